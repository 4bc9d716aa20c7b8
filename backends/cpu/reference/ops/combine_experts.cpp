// SPDX-License-Identifier: Apache-2.0
#include "core/ops/combine_experts.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void combine_experts(const ops::CombineExperts::In<Tensor>& in, const ops::CombineExperts::Params&,
                     const ops::CombineExperts::Out<Tensor>& out, Context&) {
    const int64_t n_used = in.x.extent(1), width = in.x.extent(2);
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t n = 0; n < width; ++n) {
            double sum = 0;
            for (int64_t i = 0; i < n_used; ++i)
                sum += double(in.weights.row<const float>(t)[i]) * double(in.x.row<const float>(t)[i * width + n]);
            if (in.base) sum += double(in.base.row<const float>(t)[n]);
            out.y.row<float>(t)[n] = static_cast<float>(sum);
        }
}

}  // namespace krait::reference
