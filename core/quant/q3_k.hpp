// SPDX-License-Identifier: Apache-2.0
//
// Q3_K: 256 weights in 110 bytes (3.4375 bits a weight): 16 sub-blocks of 16, each with a signed 6-bit scale, no minimum.
//   value[i] = (d * scale[j]) * q[i],   j = i / 16, q = low two bits - (third bit set ? 0 : 4), in -4..3, scale in -32..31
// Bytes: 0-31 third bits: weight i has bit i / 32 of byte i % 32 ·
//        32-95 low bits: of weights 128 g .. 128 g + 127, weight r has bits 2 (r / 32) .. + 1 of byte 32 g + r % 32 ·
//        96-107 scale[j] + 32 in six bits: the low four are nibble j / 8 of byte j % 8 (0 = the low one),
//               the high two are bits 2 (j / 4) .. + 1 of byte 8 + j % 4 ·
//        108-109 d (f16)
#ifndef KRAIT_QUANT_Q3_K_HPP
#define KRAIT_QUANT_Q3_K_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ3_K {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d;  // f16
};
KRAIT_BLOCK_CHECK(Q3_K)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ3_K) b, int i) {
    return (byte_bits(b.qs[i / 128 * 32 + i % 32], i % 128 / 32 * 2, 2) | byte_bits(b.hmask[i % 32], i / 32, 1) << 2) - 4;
}
KRAIT_BLOCK_FN int scale_at(KRAIT_IN(BlockQ3_K) b, int j) {
    return (byte_bits(b.scales[j % 8], j / 8 * 4, 4) | byte_bits(b.scales[8 + j % 4], j / 4 * 2, 2) << 4) - 32;
}
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ3_K) b, int i, int q) {
    const int k = i / 128 * 32 + i % 32;
    b.qs[k] = with_byte_bits(b.qs[k], i % 128 / 32 * 2, 2, q + 4);
    b.hmask[i % 32] = with_byte_bits(b.hmask[i % 32], i / 32, 1, (q + 4) >> 2);
}
KRAIT_BLOCK_FN void set_scale(KRAIT_INOUT(BlockQ3_K) b, int j, int v) {
    b.scales[j % 8] = with_byte_bits(b.scales[j % 8], j / 8 * 4, 4, v + 32);
    b.scales[8 + j % 4] = with_byte_bits(b.scales[8 + j % 4], j / 4 * 2, 2, (v + 32) >> 4);
}

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ3_K) b, int i) {
    const float scale = f16_to_f32(b.d) * float(scale_at(b, i / 16));
    return scale * float(quant_at(b, i));
}

KRAIT_BLOCK_END

#endif
