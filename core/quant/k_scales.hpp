// SPDX-License-Identifier: Apache-2.0
//
// The 12 bytes in which Q4_K and Q5_K keep eight 6-bit scales and eight 6-bit minima.
//   j < 4    scale[j] = low six bits of byte j · min[j] = low six bits of byte j + 4
//   j >= 4   scale[j] = low nibble of byte j + 4 | upper two bits of byte j - 4 << 4
//            min[j] = high nibble of byte j + 4 | upper two bits of byte j << 4
#ifndef KRAIT_QUANT_K_SCALES_HPP
#define KRAIT_QUANT_K_SCALES_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

KRAIT_BLOCK_FN int k_scale(KRAIT_IN_BYTES(bytes, 12), int j) {
    return j < 4 ? byte_bits(bytes[j], 0, 6) : byte_bits(bytes[j + 4], 0, 4) | byte_bits(bytes[j - 4], 6, 2) << 4;
}
KRAIT_BLOCK_FN int k_min(KRAIT_IN_BYTES(bytes, 12), int j) {
    return j < 4 ? byte_bits(bytes[j + 4], 0, 6) : byte_bits(bytes[j + 4], 4, 4) | byte_bits(bytes[j], 6, 2) << 4;
}
KRAIT_BLOCK_FN void set_k_scale(KRAIT_INOUT_BYTES(bytes, 12), int j, int v) {
    if (j < 4) {
        bytes[j] = with_byte_bits(bytes[j], 0, 6, v);
    } else {
        bytes[j + 4] = with_byte_bits(bytes[j + 4], 0, 4, v);
        bytes[j - 4] = with_byte_bits(bytes[j - 4], 6, 2, v >> 4);
    }
}
KRAIT_BLOCK_FN void set_k_min(KRAIT_INOUT_BYTES(bytes, 12), int j, int v) {
    if (j < 4) {
        bytes[j + 4] = with_byte_bits(bytes[j + 4], 0, 6, v);
    } else {
        bytes[j + 4] = with_byte_bits(bytes[j + 4], 4, 4, v);
        bytes[j] = with_byte_bits(bytes[j], 6, 2, v >> 4);
    }
}

KRAIT_BLOCK_END

#endif
