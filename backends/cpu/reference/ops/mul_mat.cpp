// SPDX-License-Identifier: Apache-2.0
#include "core/ops/mul_mat.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out, Context&) {
    const int64_t n_tok = in.x.extent(0), n_in = in.x.extent(1), n_out = in.w.extent(0);
    for (int64_t n = 0; n < n_out; ++n) {
        const std::vector<float> decoded = read_row(in.w, n);
        const std::vector<double> w(decoded.begin(), decoded.end());
        for (int64_t t = 0; t < n_tok; ++t) {
            const float* x = in.x.row<const float>(t);
            double sum = 0;
            for (int64_t k = 0; k < n_in; ++k) sum += double(x[k]) * w[static_cast<size_t>(k)];
            if (in.bias) sum += double(in.bias.elements<const float>()[n]);
            if (in.residual) sum += double(in.residual.row<const float>(t)[n]);
            out.y.row<float>(t)[n] = static_cast<float>(sum);
        }
    }
}

}  // namespace krait::reference
