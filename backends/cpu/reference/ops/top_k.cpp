// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "backends/cpu/reference/kernels.hpp"
#include "core/ops/top_k.hpp"

namespace krait::reference {

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& params, const ops::TopK::Out<Tensor>& out, Context&) {
    std::vector<int32_t> order(static_cast<size_t>(in.x.extent(1)));
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        std::iota(order.begin(), order.end(), 0);
        // Stable: of equal values, and of NaNs, the smaller index stays first.
        std::stable_sort(order.begin(), order.end(),
                         [x](int32_t a, int32_t b) { return x[a] > x[b] || (std::isnan(x[b]) && !std::isnan(x[a])); });
        for (int32_t i = 0; i < params.k; ++i) {
            out.indices.row<int32_t>(t)[i] = order[static_cast<size_t>(i)];
            out.values.row<float>(t)[i] = x[order[static_cast<size_t>(i)]];
        }
    }
}

}  // namespace krait::reference
