// SPDX-License-Identifier: Apache-2.0
//
// IQ4_NL: 32 weights in 18 bytes (4.5 bits a weight): one scale and a fixed codebook of 16 levels, denser near zero, where
// weights are. quant_at gives the level, set_quant takes its index.
//   value[i] = f32(d) * f32(level[nibble])
// Bytes: 0-1 d (f16) · 2-17 nibbles: byte k holds weight k in its low and weight k + 16 in its high four bits
#ifndef KRAIT_QUANT_IQ4_NL_HPP
#define KRAIT_QUANT_IQ4_NL_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockIQ4_NL {
    uint16_t d;  // f16
    uint8_t qs[16];
};
KRAIT_BLOCK_CHECK(IQ4_NL)

// The codebook of IQ4_NL and IQ4_XS, ascending.
KRAIT_BLOCK_FN int iq4_level(int index) {
    const int levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    return levels[index];
}

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockIQ4_NL) b, int i) { return iq4_level(byte_bits(b.qs[i % 16], i / 16 * 4, 4)); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockIQ4_NL) b, int i, int index) {
    b.qs[i % 16] = with_byte_bits(b.qs[i % 16], i / 16 * 4, 4, index);
}
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockIQ4_NL) b, int i) { return f16_to_f32(b.d) * float(quant_at(b, i)); }

KRAIT_BLOCK_END

#endif
