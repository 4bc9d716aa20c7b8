// SPDX-License-Identifier: Apache-2.0
//
// The k best of n numbers: a heap of the best so far, the worst on top; most elements fail one comparison.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/simd/vec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// indices[0 .. k) become those of the k largest of values[0 .. n), the largest first: NaN last, of equals the first.
inline void k_best(const float* values, int64_t n, int64_t k, int32_t* indices) {
    const auto better = [values](int32_t a, int32_t b) {  // a total order
        const float left = values[a], right = values[b];
        if (left > right) return true;
        if (left < right) return false;
        const bool left_nan = left != left, right_nan = right != right;
        return left_nan == right_nan ? a < b : right_nan;
    };
    for (int32_t i = 0; i < k; ++i) indices[i] = i;
    std::make_heap(indices, indices + k, better);
    for (auto i = static_cast<int32_t>(k); i < n; ++i) {
        if (!better(i, indices[0])) continue;
        std::pop_heap(indices, indices + k, better);
        indices[k - 1] = i;
        std::push_heap(indices, indices + k, better);
    }
    std::sort_heap(indices, indices + k, better);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
