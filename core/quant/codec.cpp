// SPDX-License-Identifier: Apache-2.0
//
// Rows of blocks: walks the blocks of a row and leaves each to value_at (the format's header) or encode_block (codec_*.cpp).
#include "core/quant/codec.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/quant/encode_block.hpp"
#include "core/quant/samples.hpp"

namespace krait {

void decode_row(DType dtype, const void* blocks, std::span<float> out) {
    assert(dtype_info(dtype).is_weight_format && out.size() % static_cast<size_t>(dtype_info(dtype).block_elems) == 0);
    const auto* bytes = static_cast<const unsigned char*>(blocks);
    visit_block(dtype, [&]<class Block>() {
        constexpr size_t kElems = block_elems<Block>;
        // A copy of the block: any alignment is allowed, and the compiler may hoist what a sub-block shares.
        for (size_t first = 0; first < out.size(); first += kElems, bytes += sizeof(Block)) {
            Block block;
            std::memcpy(&block, bytes, sizeof(Block));
            for (size_t i = 0; i < kElems; ++i) out[first + i] = value_at(block, static_cast<int>(i));
        }
    });
}

void encode_row(DType dtype, std::span<const float> in, std::span<const float> importance, void* blocks) {
    assert(dtype_info(dtype).is_weight_format && in.size() % static_cast<size_t>(dtype_info(dtype).block_elems) == 0);
    assert(importance.empty() || importance.size() == in.size());
    auto* bytes = static_cast<unsigned char*>(blocks);
    visit_block(dtype, [&]<class Block>() {
        constexpr size_t kElems = block_elems<Block>;
        for (size_t first = 0; first < in.size(); first += kElems, bytes += sizeof(Block)) {
            Block block{};
            const auto of_block = importance.empty() ? importance : importance.subspan(first, kElems);
            const bool any = std::any_of(of_block.begin(), of_block.end(), [](float v) { return usable_importance(v) > 0; });
            encode_block(in.data() + first, any ? of_block.data() : nullptr, block);
            std::memcpy(bytes, &block, sizeof(Block));
        }
    });
}

}  // namespace krait
