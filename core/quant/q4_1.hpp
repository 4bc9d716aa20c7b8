// SPDX-License-Identifier: Apache-2.0
//
// Q4_1: 32 weights in 20 bytes (5 bits a weight), one scale and one minimum.
//   value[i] = f32(d) * f32(q[i]) + f32(m),   q in 0..15, product and sum rounded one after the other
// Bytes: 0-1 d (f16) · 2-3 m (f16) · 4-19 nibbles: byte k holds weight k in its low and weight k + 16 in its high four bits
#ifndef KRAIT_QUANT_Q4_1_HPP
#define KRAIT_QUANT_Q4_1_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ4_1 {
    uint16_t d;  // f16
    uint16_t m;  // f16
    uint8_t qs[16];
};
KRAIT_BLOCK_CHECK(Q4_1)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ4_1) b, int i) { return byte_bits(b.qs[i % 16], i / 16 * 4, 4); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ4_1) b, int i, int q) {
    b.qs[i % 16] = with_byte_bits(b.qs[i % 16], i / 16 * 4, 4, q);
}
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ4_1) b, int i) {
    const float product = f16_to_f32(b.d) * float(quant_at(b, i));
    return product + f16_to_f32(b.m);
}

KRAIT_BLOCK_END

#endif
