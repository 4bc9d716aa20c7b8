// SPDX-License-Identifier: Apache-2.0
#include "core/ops/l2_norm.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void l2_norm(const ops::L2Norm::In<Tensor>& in, const ops::L2Norm::Params& params, const ops::L2Norm::Out<Tensor>& out,
             Context&) {
    const int64_t group = in.x.extent(1) / params.groups;
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t first = 0; first < in.x.extent(1); first += group) {
            const float* x = in.x.row<const float>(t) + first;
            double sum = params.eps;
            for (int64_t i = 0; i < group; ++i) sum += double(x[i]) * double(x[i]);
            for (int64_t i = 0; i < group; ++i)
                out.y.row<float>(t)[first + i] = static_cast<float>(double(x[i]) / std::sqrt(sum));
        }
}

}  // namespace krait::reference
