// SPDX-License-Identifier: Apache-2.0
//
// IQ4_XS: 256 weights in 136 bytes (4.25 bits a weight): 8 sub-blocks of 32, each with a signed 6-bit scale, over the
// codebook of IQ4_NL. quant_at gives the level, set_quant takes its index.
//   value[i] = (d * scale[j]) * level[nibble],   j = i / 32, scale in -32..31
// Bytes: 0-1 d (f16) ·
//        2-3 high bits: scale[j] + 32 has its upper two in bits 2 j .. + 1 of this little-endian number ·
//        4-7 low bits: scale[j] + 32 has its lower four in nibble j % 2 (0 = the low one) of byte j / 2 ·
//        8-135 nibbles: weight r of sub-block j has nibble r / 16 of byte 16 j + r % 16
#ifndef KRAIT_QUANT_IQ4_XS_HPP
#define KRAIT_QUANT_IQ4_XS_HPP

#include "core/quant/iq4_nl.hpp"

KRAIT_BLOCK_BEGIN

struct BlockIQ4_XS {
    uint16_t d;  // f16
    uint16_t scales_h;
    uint8_t scales_l[4];
    uint8_t qs[128];
};
KRAIT_BLOCK_CHECK(IQ4_XS)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockIQ4_XS) b, int i) {
    return iq4_level(byte_bits(b.qs[i / 32 * 16 + i % 16], i % 32 / 16 * 4, 4));
}
KRAIT_BLOCK_FN int scale_at(KRAIT_IN(BlockIQ4_XS) b, int j) {
    return (byte_bits(b.scales_l[j / 2], j % 2 * 4, 4) | ((int(b.scales_h) >> (2 * j)) & 3) << 4) - 32;
}
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockIQ4_XS) b, int i, int index) {
    const int k = i / 32 * 16 + i % 16;
    b.qs[k] = with_byte_bits(b.qs[k], i % 32 / 16 * 4, 4, index);
}
KRAIT_BLOCK_FN void set_scale(KRAIT_INOUT(BlockIQ4_XS) b, int j, int v) {
    b.scales_l[j / 2] = with_byte_bits(b.scales_l[j / 2], j % 2 * 4, 4, v + 32);
    b.scales_h = uint16_t((int(b.scales_h) & ~(3 << (2 * j))) | ((((v + 32) >> 4) & 3) << (2 * j)));
}

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockIQ4_XS) b, int i) {
    const float scale = f16_to_f32(b.d) * float(scale_at(b, i / 32));
    return scale * float(quant_at(b, i));
}

KRAIT_BLOCK_END

#endif
