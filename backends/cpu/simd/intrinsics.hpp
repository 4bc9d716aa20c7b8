// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics that registers of 8 and 16 lanes are made of: the compiler's, or functions of the same names that do the same
// by SSE2, which every x86-64 has (emulated/). A build for an emulated level has no instruction-set flags; it defines
//   KRAIT_CPU_EMULATED   the bits of a register of the level, 256 or 512
//   KRAIT_CPU_VNNI       the level has VNNI too
// All that is written with intrinsics is tested that way on machines without the instructions, kernels and vec_*.hpp alike.
#pragma once

#ifndef KRAIT_CPU_EMULATED
#include <immintrin.h>
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__)
#define KRAIT_CPU_VNNI
#endif
#elif KRAIT_CPU_EMULATED == 512
#include "backends/cpu/simd/emulated/avx512.hpp"
#else
#include "backends/cpu/simd/emulated/avx2.hpp"
#endif
