// SPDX-License-Identifier: Apache-2.0
//
// BF16: the upper 16 bits of an f32 a weight.
//   value = f32 whose upper half is bits and whose lower half is 0, exact
#ifndef KRAIT_QUANT_BF16_HPP
#define KRAIT_QUANT_BF16_HPP

#include "core/quant/block.hpp"

KRAIT_BLOCK_BEGIN

struct BlockBF16 {
    uint16_t bits;
};
KRAIT_BLOCK_CHECK(BF16)

KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockBF16) b, int) { return bf16_to_f32(b.bits); }

KRAIT_BLOCK_END

#endif
