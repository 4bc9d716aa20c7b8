// SPDX-License-Identifier: Apache-2.0
//
// The softmax of a row: the largest value, the exponentials and their sum, the division. The sum is taken in registers over a
// chunk of elements and in double over the chunks: a long row of small terms loses nothing.
#pragma once

#include <algorithm>
#include <limits>

#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// y = softmax of scale * x, both of n_col numbers. NaN everywhere where x has NaN or +infinity, or nothing but -infinity.
inline void softmax_row(const float* x, float scale, int64_t n_col, float* y) {
    constexpr int64_t kChunk = 64 * kLanes;
    const Vec factor = broadcast(scale);
    // max(v, best) keeps best where v is NaN; that NaN comes back through the sum.
    Vec best = broadcast(-std::numeric_limits<float>::infinity());
    int64_t i = 0;
    for (; i + kLanes <= n_col; i += kLanes) best = max(load(x + i) * factor, best);
    float top = highest(best);
    for (; i < n_col; ++i) top = x[i] * scale > top ? x[i] * scale : top;
    const Vec largest = broadcast(top);
    double total = 0;
    for (int64_t chunk = 0; chunk < n_col; chunk += kChunk) {
        Vec part = zero();
        for_each_vec(std::min(kChunk, n_col - chunk), [&](int64_t j, int64_t n) {
            store_up_to(y + chunk + j, exp(load_up_to(x + chunk + j, n) * factor - largest), n);
            part = part + load_up_to(y + chunk + j, n);  // lanes beyond the end are 0 again
        });
        total += static_cast<double>(sum(part));
    }
    const Vec inverse = broadcast(static_cast<float>(1.0 / total));
    for_each_vec(n_col, [&](int64_t j, int64_t n) { store_up_to(y + j, load_up_to(y + j, n) * inverse, n); });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
