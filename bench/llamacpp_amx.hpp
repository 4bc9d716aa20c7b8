// SPDX-License-Identifier: Apache-2.0
//
// Included first in every C++ source of llama.cpp where g++ 12 builds it for AMX (docs/benchmarks.md):
//
//     CXXFLAGS="-include $PWD/bench/llamacpp_amx.hpp" ENV/bin/pip install --no-binary llama-cpp-python llama-cpp-python
//
// In that compiler's <immintrin.h> ldtilecfg reads 8 bytes of the 64, and tileloadd no memory at all, as far as the optimizer
// knows. It leaves out stores of the rest, and the processor refuses the configuration: a segmentation fault. Here the
// instructions are the same, with the memory that they read.
#pragma once

#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)

#include <immintrin.h>

struct krait_tile_configuration {
    unsigned char bytes[64];
};

#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg %0" : : "m"(*reinterpret_cast<const krait_tile_configuration*>(config)) : "memory")

#undef _tile_loadd
#define _tile_loadd(tile, base, stride) KRAIT_TILE_LOAD(tile, base, stride)  // the number of a tile may be a macro
#define KRAIT_TILE_LOAD(tile, base, stride) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(base), "r"((long)(stride)) : "memory")

#endif
