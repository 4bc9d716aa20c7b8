// SPDX-License-Identifier: Apache-2.0
#include "core/ops/add.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Context&) {
    const bool one_row = in.b.extent(0) == 1;
    for (int64_t t = 0; t < in.a.extent(0); ++t) {
        const float* a = in.a.row<const float>(t);
        const float* b = in.b.row<const float>(one_row ? 0 : t);
        for (int64_t i = 0; i < in.a.extent(1); ++i) out.y.row<float>(t)[i] = static_cast<float>(double(a[i]) + double(b[i]));
    }
}

}  // namespace krait::reference
