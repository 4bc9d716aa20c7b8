// SPDX-License-Identifier: Apache-2.0
//
// Every weight format as a type. Kernels are templates over the block:
//   visit_block(dtype, [&]<class Block>() { unpack<Block>(...); });
// block_elems<Block> and sizeof(Block) are its sizes, value_at(block, i) its meaning (block.hpp).
#pragma once

#include "core/quant/bf16.hpp"
#include "core/quant/f16.hpp"
#include "core/quant/iq4_nl.hpp"
#include "core/quant/iq4_xs.hpp"
#include "core/quant/q2_k.hpp"
#include "core/quant/q3_k.hpp"
#include "core/quant/q4_0.hpp"
#include "core/quant/q4_1.hpp"
#include "core/quant/q4_k.hpp"
#include "core/quant/q5_0.hpp"
#include "core/quant/q5_1.hpp"
#include "core/quant/q5_k.hpp"
#include "core/quant/q6_k.hpp"
#include "core/quant/q8_0.hpp"

namespace krait {

struct BlockF32 {
    float value;
};
KRAIT_BLOCK_FN float value_at(KRAIT_IN(BlockF32) b, int) { return b.value; }

template <class Block>
inline constexpr int block_elems = 0;
#define KRAIT_FORMAT(id, Name, elems, bytes) \
    template <>                              \
    inline constexpr int block_elems<Block##Name> = elems;
#include "core/quant/formats.def"

// Calls visitor.operator()<Block>() for the block of a weight format. False, and no call, for an index type.
template <class Visitor>
bool visit_block(DType dtype, Visitor&& visitor) {
#define KRAIT_FORMAT(id, Name, elems, bytes)        \
    if (dtype == DType::Name) {                     \
        visitor.template operator()<Block##Name>(); \
        return true;                                \
    }
#include "core/quant/formats.def"
    return false;
}

}  // namespace krait
