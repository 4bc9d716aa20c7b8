// SPDX-License-Identifier: Apache-2.0
#include "core/ops/argmax.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void argmax(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Params&, const ops::Argmax::Out<Tensor>& out, Context&) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        int64_t best = 0;
        for (int64_t i = 1; i < in.x.extent(1); ++i)
            if (x[i] > x[best] || (std::isnan(x[best]) && !std::isnan(x[i]))) best = i;
        *out.y.row<int32_t>(t) = static_cast<int32_t>(best);
    }
}

}  // namespace krait::reference
