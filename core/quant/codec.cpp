// SPDX-License-Identifier: Apache-2.0
//
// Rows of blocks: walks the blocks of a row and leaves each to value_at (the format's header) or encode_blocks (codec_*.cpp).
#include "core/quant/codec.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/quant/encode_blocks.hpp"
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

bool has(InstructionSet set) {
#if defined(__x86_64__)
    // These ask the operating system too, whether it saves the registers.
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    static const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                                   __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    if (set == InstructionSet::avx512) return has_avx512;
    if (set == InstructionSet::avx2) return has_avx2;
#endif
    return set == InstructionSet::portable;
}

void encode_row(InstructionSet set, DType dtype, std::span<const float> in, std::span<const float> importance, void* blocks) {
    assert(dtype_info(dtype).is_weight_format && in.size() % static_cast<size_t>(dtype_info(dtype).block_elems) == 0);
    assert(importance.empty() || importance.size() == in.size());
    auto* out = static_cast<unsigned char*>(blocks);
    visit_block(dtype, [&]<class Block>() {
        constexpr size_t kElems = block_elems<Block>;
        const auto is_important = [&](size_t block) {
            const auto numbers = importance.empty() ? importance : importance.subspan(block * kElems, kElems);
            return std::any_of(numbers.begin(), numbers.end(), [](float v) { return usable_importance(v) > 0; });
        };
        // Runs of blocks that all have importance, or all have none.
        const size_t n = in.size() / kElems;
        for (size_t first = 0, last; first < n; first = last) {
            const bool has_importance = is_important(first);
            for (last = first + 1; last < n && (importance.empty() || is_important(last) == has_importance);) ++last;
            const float* numbers = has_importance ? importance.data() + first * kElems : nullptr;
            encode_blocks<Block>(set, {in.data() + first * kElems, numbers, static_cast<int64_t>(last - first)},
                                 out + first * sizeof(Block));
        }
    });
}

void encode_row(DType dtype, std::span<const float> in, std::span<const float> importance, void* blocks) {
    static const InstructionSet best = has(InstructionSet::avx512) ? InstructionSet::avx512
                                       : has(InstructionSet::avx2) ? InstructionSet::avx2
                                                                   : InstructionSet::portable;
    encode_row(best, dtype, in, importance, blocks);
}

}  // namespace krait
