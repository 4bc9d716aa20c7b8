// SPDX-License-Identifier: Apache-2.0
//
// Q6_K: 256 weights in 210 bytes (6.5625 bits a weight): 16 sub-blocks of 16, each with a signed 8-bit scale, no minimum.
//   value[i] = (d * scale[j]) * q[i],   j = i / 16, q = (low four bits | high two bits << 4) - 32, in -32..31
// Bytes, for weight r of the 128 weights of half g (i = 128 g + r):
//        0-127 low bits: nibble r / 64 (0 = the low one) of byte 64 g + r % 64 ·
//        128-191 high bits: bits 2 (r / 32) .. + 1 of byte 128 + 32 g + r % 32 ·
//        192-207 scale[j] (int8) · 208-209 d (f16)
#ifndef KRAIT_QUANT_Q6_K_HPP
#define KRAIT_QUANT_Q6_K_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ6_K {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d;  // f16
};
KRAIT_BLOCK_CHECK(Q6_K)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ6_K) b, int i) {
    return (byte_bits(b.ql[i / 128 * 64 + i % 64], i % 128 / 64 * 4, 4) |
            byte_bits(b.qh[i / 128 * 32 + i % 32], i % 128 / 32 * 2, 2) << 4) -
           32;
}
KRAIT_BLOCK_FN int scale_at(KRAIT_IN(BlockQ6_K) b, int j) { return int(b.scales[j]); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ6_K) b, int i, int q) {
    const int low = i / 128 * 64 + i % 64;
    const int high = i / 128 * 32 + i % 32;
    b.ql[low] = with_byte_bits(b.ql[low], i % 128 / 64 * 4, 4, q + 32);
    b.qh[high] = with_byte_bits(b.qh[high], i % 128 / 32 * 2, 2, (q + 32) >> 4);
}
KRAIT_BLOCK_FN void set_scale(KRAIT_INOUT(BlockQ6_K) b, int j, int v) { b.scales[j] = int8_t(v); }

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ6_K) b, int i) {
    const float scale = f16_to_f32(b.d) * float(scale_at(b, i / 16));
    return scale * float(quant_at(b, i));
}

KRAIT_BLOCK_END

#endif
