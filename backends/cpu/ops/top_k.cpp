// SPDX-License-Identifier: Apache-2.0
//
// top_k (contract: core/ops/top_k.hpp): a heap of the k best so far, the worst on top; most elements fail one comparison.
#include <algorithm>

#include "backends/cpu/cpu_backend.hpp"
#include "core/ops/top_k.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// indices[0 .. k) end as the answer; x is read by them.
void top_k_row(const float* x, int64_t n_col, int32_t k, float* values, int32_t* indices) {
    const auto better = [x](int32_t a, int32_t b) {  // a total order: NaN last, of equals the first
        const float left = x[a], right = x[b];
        if (left > right) return true;
        if (left < right) return false;
        const bool left_nan = left != left, right_nan = right != right;
        return left_nan == right_nan ? a < b : right_nan;
    };
    for (int32_t i = 0; i < k; ++i) indices[i] = i;
    std::make_heap(indices, indices + k, better);
    for (int32_t i = k; i < n_col; ++i) {
        if (!better(i, indices[0])) continue;
        std::pop_heap(indices, indices + k, better);
        indices[k - 1] = i;
        std::push_heap(indices, indices + k, better);
    }
    std::sort_heap(indices, indices + k, better);
    for (int32_t i = 0; i < k; ++i) values[i] = x[indices[i]];
}

}  // namespace

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& params, const ops::TopK::Out<Tensor>& out,
           Context& context) {
    const int64_t n_col = in.x.extent(1);
    context.parallel_for(in.x.extent(0), grain_of(n_col * 4), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t)
            top_k_row(in.x.row<const float>(t), n_col, params.k, out.values.row<float>(t), out.indices.row<int32_t>(t));
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
