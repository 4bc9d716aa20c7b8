// SPDX-License-Identifier: Apache-2.0
//
// Shared by integer products whose lanes are rows of w: how they are divided, what is added in the end, and where it goes.
#pragma once

#include "backends/cpu/ops/product_rows.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Integer products are some four times as fast as those that kWorkOfPiece counts, and pieces should not grow with that: at the
// end of a loop each thread waits for the last piece of another.
inline int64_t grain_of_products(int64_t work) { return grain_of(4 * work); }

// Sums of kLanes outputs from n on become a piece of the row of y at `place`; those beyond the last are nobody's.
inline void finish_row(const ProductRows& rows, const float* bias, int64_t n_out, int64_t place, int64_t n, Vec sum) {
    const int64_t count = n_out - n;
    if (count <= 0) return;
    if (bias) sum = sum + load_up_to(bias + n, count);
    if (const float* residual = rows.residual(place)) sum = sum + load_up_to(residual + n, count);
    store_up_to(rows.y(place) + n, sum, count);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
