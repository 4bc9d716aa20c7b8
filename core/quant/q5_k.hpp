// SPDX-License-Identifier: Apache-2.0
//
// Q5_K: 256 weights in 176 bytes (5.5 bits a weight): 8 sub-blocks of 32, each with a 6-bit scale and a 6-bit minimum.
//   value[i] = (d * scale[j]) * q[i] - (dmin * min[j]),   j = i / 32, q = nibble | bit << 4, in 0..31, scale and min in 0..63
//   The two inner products round first, then the outer product, then the difference.
// Bytes: 0-1 d (f16) · 2-3 dmin (f16) · 4-15 scales and minima (k_scales.hpp) ·
//        16-47 fifth bits: weight i has bit i / 32 of byte i % 32 ·
//        48-175 nibbles: weight i has nibble i % 64 / 32 (0 = the low one) of byte 32 (i / 64) + i % 32
#ifndef KRAIT_QUANT_Q5_K_HPP
#define KRAIT_QUANT_Q5_K_HPP

#include "core/quant/block.hpp"
#include "core/quant/k_scales.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ5_K {
    uint16_t d;     // f16
    uint16_t dmin;  // f16
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
KRAIT_BLOCK_CHECK(Q5_K)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ5_K) b, int i) {
    return byte_bits(b.qs[i / 64 * 32 + i % 32], i % 64 / 32 * 4, 4) | byte_bits(b.qh[i % 32], i / 32, 1) << 4;
}
KRAIT_BLOCK_FN int scale_at(KRAIT_IN(BlockQ5_K) b, int j) { return k_scale(b.scales, j); }
KRAIT_BLOCK_FN int min_at(KRAIT_IN(BlockQ5_K) b, int j) { return k_min(b.scales, j); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ5_K) b, int i, int q) {
    const int k = i / 64 * 32 + i % 32;
    b.qs[k] = with_byte_bits(b.qs[k], i % 64 / 32 * 4, 4, q);
    b.qh[i % 32] = with_byte_bits(b.qh[i % 32], i / 32, 1, q >> 4);
}
KRAIT_BLOCK_FN void set_scale(KRAIT_INOUT(BlockQ5_K) b, int j, int v) { set_k_scale(b.scales, j, v); }
KRAIT_BLOCK_FN void set_min(KRAIT_INOUT(BlockQ5_K) b, int j, int v) { set_k_min(b.scales, j, v); }

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ5_K) b, int i) {
    const float scale = f16_to_f32(b.d) * float(scale_at(b, i / 32));
    const float low = f16_to_f32(b.dmin) * float(min_at(b, i / 32));
    const float product = scale * float(quant_at(b, i));
    return product - low;
}

KRAIT_BLOCK_END

#endif
