// SPDX-License-Identifier: Apache-2.0
//
// Q8_0: 32 weights in 34 bytes (8.5 bits a weight), one scale.
//   value[i] = f32(q[i]) * f32(d),   q in -128..127
// Bytes: 0-1 d (f16) · 2-33 q[0..31] (int8)
#ifndef KRAIT_QUANT_Q8_0_HPP
#define KRAIT_QUANT_Q8_0_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockQ8_0 {
    uint16_t d;  // f16
    int8_t qs[32];
};
KRAIT_BLOCK_CHECK(Q8_0)

KRAIT_BLOCK_FN int quant_at(KRAIT_IN(BlockQ8_0) b, int i) { return int(b.qs[i]); }
KRAIT_BLOCK_FN void set_quant(KRAIT_INOUT(BlockQ8_0) b, int i, int q) { b.qs[i] = int8_t(q); }
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockQ8_0) b, int i) { return float(quant_at(b, i)) * f16_to_f32(b.d); }

KRAIT_BLOCK_END

#endif
