// SPDX-License-Identifier: Apache-2.0
#include "core/ops/rms_norm.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Context&) {
    const int64_t n_row = in.x.extent(0), width = in.x.extent(1), group = width / params.groups;
    for (int64_t t = 0; t < n_row; ++t) {
        const float* x = in.x.row<const float>(t);
        float* y = out.y.row<float>(t);
        for (int64_t first = 0; first < width; first += group) {
            double squares = 0;
            for (int64_t i = first; i < first + group; ++i) squares += double(x[i]) * double(x[i]);
            const double root = std::sqrt(squares / double(group) + double(params.eps));
            for (int64_t i = first; i < first + group; ++i) {
                const double weight = in.weight ? double(in.weight.elements<const float>()[i]) : 1.0;
                y[i] = static_cast<float>(double(x[i]) / root * weight);
            }
        }
    }
}

}  // namespace krait::reference
