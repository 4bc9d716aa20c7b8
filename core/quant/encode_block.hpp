// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: one block's encoder for each format, by overload. `in` has block_elems<Block> weights; `importance` as
// many numbers, or is null. Contract and treatment of odd values: codec.hpp.
#pragma once

#include "core/quant/blocks.hpp"

namespace krait {

#define KRAIT_FORMAT(id, Name, elems, bytes) void encode_block(const float* in, const float* importance, Block##Name& out);
#include "core/quant/formats.def"

}  // namespace krait
