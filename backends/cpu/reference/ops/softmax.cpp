// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "backends/cpu/reference/kernels.hpp"
#include "core/ops/softmax.hpp"

namespace krait::reference {

void softmax(const ops::Softmax::In<Tensor>& in, const ops::Softmax::Params& params, const ops::Softmax::Out<Tensor>& out,
             Context&) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        float* y = out.y.row<float>(t);
        const int64_t n = in.x.extent(1);
        double largest = -std::numeric_limits<double>::infinity();
        for (int64_t i = 0; i < n; ++i) largest = std::fmax(largest, double(params.scale) * double(x[i]));
        // A NaN makes the sum NaN, and so the whole row; in a row of -inf it is -inf - -inf that does.
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(double(params.scale) * double(x[i]) - largest);
        for (int64_t i = 0; i < n; ++i)
            y[i] = static_cast<float>(std::exp(double(params.scale) * double(x[i]) - largest) / sum);
    }
}

}  // namespace krait::reference
