// SPDX-License-Identifier: Apache-2.0
//
// Q2_K: 256 weights in 84 bytes (2.625 bits a weight): 16 sub-blocks of 16, each with a 4-bit scale and a 4-bit minimum.
//   value[i] = (d * scale[j]) * q[i] - (dmin * min[j]),   j = i / 16, q in 0..3, scale and min in 0..15
//   The two inner products round first, then the outer product, then the difference.
// Bytes: 0-15 byte j: scale[j] in its low, min[j] in its high four bits ·
//        16-79 quants: of weights 128 g .. 128 g + 127, weight r has bits 2 (r / 32) .. + 1 of byte 32 g + r % 32 ·
//        80-81 d (f16) · 82-83 dmin (f16)
#ifndef KRAIT_QUANT_Q2_K_HPP
#define KRAIT_QUANT_Q2_K_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ2_K {
    uint8_t scales[16];
    uint8_t qs[64];
    uint16_t d;     // f16
    uint16_t dmin;  // f16
};
KRAIT_BLOCK_CHECK(Q2_K)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ2_K) b, int i) {
    return byte_bits(b.qs[i / 128 * 32 + i % 32], i % 128 / 32 * 2, 2);
}
KRAIT_BLOCK_FN int scale_at(KRAIT_IN(BlockQ2_K) b, int j) { return byte_bits(b.scales[j], 0, 4); }
KRAIT_BLOCK_FN int min_at(KRAIT_IN(BlockQ2_K) b, int j) { return byte_bits(b.scales[j], 4, 4); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ2_K) b, int i, int q) {
    const int k = i / 128 * 32 + i % 32;
    b.qs[k] = with_byte_bits(b.qs[k], i % 128 / 32 * 2, 2, q);
}
KRAIT_BLOCK_FN void set_scale(KRAIT_INOUT(BlockQ2_K) b, int j, int v) { b.scales[j] = with_byte_bits(b.scales[j], 0, 4, v); }
KRAIT_BLOCK_FN void set_min(KRAIT_INOUT(BlockQ2_K) b, int j, int v) { b.scales[j] = with_byte_bits(b.scales[j], 4, 4, v); }

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ2_K) b, int i) {
    const float scale = f16_to_f32(b.d) * float(scale_at(b, i / 16));
    const float low = f16_to_f32(b.dmin) * float(min_at(b, i / 16));
    const float product = scale * float(quant_at(b, i));
    return product - low;
}

KRAIT_BLOCK_END

#endif
