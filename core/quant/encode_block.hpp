// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: one block's encoder for each format, by overload. `in` has block_elems<Block> weights; `importance` as
// many numbers, or is null. Contract and treatment of odd values: codec.hpp.
#pragma once

#include "core/quant/blocks.hpp"

namespace krait {

#define KRAIT_FORMAT(id, Name, elems, bytes) void encode_block(const float* in, const float* importance, Block##Name& out);
#include "core/quant/formats.def"

// Defines encode_block for a block whose overload of `search` is visible. The searches take three times as long without AVX2,
// so they are compiled for it too; the bits are the same (lanes.hpp).
#if defined(__x86_64__)
inline bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2") != 0;
    return has;
}
#define KRAIT_ENCODER(Block)                                                                                        \
    __attribute__((target("avx2"), flatten)) static void search_avx2(const float* in, const float* w, Block& out) { \
        search(in, w, out);                                                                                         \
    }                                                                                                               \
    void encode_block(const float* in, const float* importance, Block& out) {                                       \
        if (has_avx2()) search_avx2(in, importance, out);                                                           \
        else search(in, importance, out);                                                                           \
    }
#else
#define KRAIT_ENCODER(Block) \
    void encode_block(const float* in, const float* importance, Block& out) { search(in, importance, out); }
#endif

}  // namespace krait
