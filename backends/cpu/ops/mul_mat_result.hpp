// SPDX-License-Identifier: Apache-2.0
//
// Shared by integer products whose lanes are rows of w: how they are divided, what is added in the end, and where it goes.
#pragma once

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Integer products are some four times as fast as those that kWorkOfPiece counts, and pieces should not grow with that: at the
// end of a loop each thread waits for the last piece of another.
inline int64_t grain_of_products(int64_t work) { return grain_of(4 * work); }

struct ProductResult {
    const float* bias;  // or nullptr
    const Tensor *residual, *y;
    int64_t n_out;
};

// Sums of kLanes outputs from n on become a piece of row t of y; those beyond the last are nobody's.
inline void finish_row(const ProductResult& result, int64_t t, int64_t n, Vec sum) {
    const int64_t count = result.n_out - n;
    if (count <= 0) return;
    if (result.bias) sum = sum + load_up_to(result.bias + n, count);
    if (*result.residual) sum = sum + load_up_to(result.residual->row<const float>(t) + n, count);
    store_up_to(result.y->row<float>(t) + n, sum, count);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
