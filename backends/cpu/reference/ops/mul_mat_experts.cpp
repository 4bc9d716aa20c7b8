// SPDX-License-Identifier: Apache-2.0
#include "core/ops/mul_mat_experts.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void mul_mat_experts(const ops::MulMatExperts::In<Tensor>& in, const ops::MulMatExperts::Params&,
                     const ops::MulMatExperts::Out<Tensor>& out, Context&) {
    const int64_t n_expert = in.w.extent(0), n_out = in.w.extent(1), n_in = in.w.extent(2), n_used = in.ids.extent(1);
    const int64_t step = row_bytes(in.w.dtype(), n_in);
    std::vector<float> w(static_cast<size_t>(n_in));
    for (int64_t t = 0; t < in.ids.extent(0); ++t)
        for (int64_t i = 0; i < n_used; ++i) {
            const int64_t expert = in.ids.row<const int32_t>(t)[i];
            const float* x = in.x.row<const float>(t) + (in.x.desc.rank == 3 ? i * n_in : 0);
            for (int64_t n = 0; n < n_out; ++n) {
                double sum = 0;
                if (expert >= 0 && expert < n_expert) {
                    decode_row(in.w.dtype(), in.w.elements<const std::byte>() + (expert * n_out + n) * step, w);
                    for (int64_t k = 0; k < n_in; ++k) sum += double(x[k]) * double(w[static_cast<size_t>(k)]);
                }
                out.y.row<float>(t)[i * n_out + n] = static_cast<float>(sum);
            }
        }
}

}  // namespace krait::reference
