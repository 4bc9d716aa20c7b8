// SPDX-License-Identifier: Apache-2.0
//
// Q4_0: 32 weights in 18 bytes (4.5 bits a weight), one scale, no offset.
//   value[i] = f32(d) * f32(q[i]),   q = nibble - 8, in -8..7
// Bytes: 0-1 d (f16) · 2-17 nibbles: byte k holds weight k in its low and weight k + 16 in its high four bits
#ifndef KRAIT_QUANT_Q4_0_HPP
#define KRAIT_QUANT_Q4_0_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ4_0 {
    uint16_t d;  // f16
    uint8_t qs[16];
};
KRAIT_BLOCK_CHECK(Q4_0)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ4_0) b, int i) { return byte_bits(b.qs[i % 16], i / 16 * 4, 4) - 8; }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ4_0) b, int i, int q) {
    b.qs[i % 16] = with_byte_bits(b.qs[i % 16], i / 16 * 4, 4, q + 8);
}
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ4_0) b, int i) { return f16_to_f32(b.d) * float(quant_at(b, i)); }

KRAIT_BLOCK_END

#endif
