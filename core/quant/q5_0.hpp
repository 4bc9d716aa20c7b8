// SPDX-License-Identifier: Apache-2.0
//
// Q5_0: 32 weights in 22 bytes (5.5 bits a weight), one scale, no offset.
//   value[i] = f32(d) * f32(q[i]),   q = (nibble | bit << 4) - 16, in -16..15
// Bytes: 0-1 d (f16) · 2-5 fifth bits: weight i has bit i % 8 of byte i / 8 ·
//        6-21 nibbles: byte k holds weight k in its low and weight k + 16 in its high four bits
#ifndef KRAIT_QUANT_Q5_0_HPP
#define KRAIT_QUANT_Q5_0_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ5_0 {
    uint16_t d;  // f16
    uint8_t qh[4];
    uint8_t qs[16];
};
KRAIT_BLOCK_CHECK(Q5_0)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ5_0) b, int i) {
    return (byte_bits(b.qs[i % 16], i / 16 * 4, 4) | byte_bits(b.qh[i / 8], i % 8, 1) << 4) - 16;
}
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ5_0) b, int i, int q) {
    b.qs[i % 16] = with_byte_bits(b.qs[i % 16], i / 16 * 4, 4, q + 16);
    b.qh[i / 8] = with_byte_bits(b.qh[i / 8], i % 8, 1, (q + 16) >> 4);
}
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ5_0) b, int i) { return f16_to_f32(b.d) * float(quant_at(b, i)); }

KRAIT_BLOCK_END

#endif
