// SPDX-License-Identifier: Apache-2.0
//
// Q5_1: 32 weights in 24 bytes (6 bits a weight), one scale and one minimum.
//   value[i] = f32(d) * f32(q[i]) + f32(m),   q = nibble | bit << 4, in 0..31, product and sum rounded one after the other
// Bytes: 0-1 d (f16) · 2-3 m (f16) · 4-7 fifth bits: weight i has bit i % 8 of byte i / 8 ·
//        8-23 nibbles: byte k holds weight k in its low and weight k + 16 in its high four bits
#ifndef KRAIT_QUANT_Q5_1_HPP
#define KRAIT_QUANT_Q5_1_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ5_1 {
    uint16_t d;  // f16
    uint16_t m;  // f16
    uint8_t qh[4];
    uint8_t qs[16];
};
KRAIT_BLOCK_CHECK(Q5_1)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ5_1) b, int i) {
    return byte_bits(b.qs[i % 16], i / 16 * 4, 4) | byte_bits(b.qh[i / 8], i % 8, 1) << 4;
}
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ5_1) b, int i, int q) {
    b.qs[i % 16] = with_byte_bits(b.qs[i % 16], i / 16 * 4, 4, q);
    b.qh[i / 8] = with_byte_bits(b.qh[i / 8], i % 8, 1, q >> 4);
}
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ5_1) b, int i) {
    const float product = f16_to_f32(b.d) * float(quant_at(b, i));
    return product + f16_to_f32(b.m);
}

KRAIT_BLOCK_END

#endif
