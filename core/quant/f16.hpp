// SPDX-License-Identifier: Apache-2.0
//
// F16: one IEEE binary16 a weight.
//   value = f16(bits), exact
#ifndef KRAIT_QUANT_F16_HPP
#define KRAIT_QUANT_F16_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockF16 {
    uint16_t bits;
};
KRAIT_BLOCK_CHECK(F16)

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockF16) b, int) { return f16_to_f32(b.bits); }

KRAIT_BLOCK_END

#endif
