// SPDX-License-Identifier: Apache-2.0
//
// y[t, i] = f(a[t, i], b[t, i]) over registers, b of T rows or of one row for all: what add, mul, scale and
// their like share.
#pragma once

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <class F>
inline void for_each_pair(const Tensor& a, const Tensor& b, const Tensor& y, Context& context, F&& f) {
    const int64_t n_col = a.extent(1);
    const bool one_row = b.extent(0) == 1;
    context.parallel_for(a.extent(0), grain_of(n_col * 2), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
            const float* left = a.row<const float>(t);
            const float* right = b.row<const float>(one_row ? 0 : t);
            float* result = y.row<float>(t);
            for_each_vec(n_col, [&](int64_t i, int64_t n) {
                store_up_to(result + i, f(load_up_to(left + i, n), load_up_to(right + i, n)), n);
            });
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
