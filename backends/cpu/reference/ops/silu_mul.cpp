// SPDX-License-Identifier: Apache-2.0
#include "core/ops/silu_mul.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void silu_mul(const ops::SiluMul::In<Tensor>& in, const ops::SiluMul::Params&, const ops::SiluMul::Out<Tensor>& out, Context&) {
    for (int64_t t = 0; t < in.a.extent(0); ++t) {
        const float* a = in.a.row<const float>(t);
        const float* b = in.b.row<const float>(t);
        for (int64_t i = 0; i < in.a.extent(1); ++i)
            out.y.row<float>(t)[i] = static_cast<float>(silu(double(a[i])) * double(b[i]));
    }
}

}  // namespace krait::reference
