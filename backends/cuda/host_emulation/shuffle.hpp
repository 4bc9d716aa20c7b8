// SPDX-License-Identifier: Apache-2.0
//
// A permutation that looks random and is the same every time.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace krait::cuda::emulation {

inline std::vector<uint32_t> shuffled_order(uint32_t n) {
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0u);
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (uint32_t i = n; i > 1; --i) {  // Fisher-Yates, with the upper bits of Knuth's MMIX generator
        state = state * 6364136223846793005u + 1442695040888963407u;
        std::swap(order[i - 1], order[(state >> 33) % i]);
    }
    return order;
}

}  // namespace krait::cuda::emulation
