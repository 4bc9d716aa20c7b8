// SPDX-License-Identifier: Apache-2.0
#include "core/ops/scale_add.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void scale_add(const ops::ScaleAdd::In<Tensor>& in, const ops::ScaleAdd::Params& params, const ops::ScaleAdd::Out<Tensor>& out,
               Context&) {
    for (int64_t t = 0; t < in.a.extent(0); ++t)
        for (int64_t i = 0; i < in.a.extent(1); ++i)
            out.y.row<float>(t)[i] = static_cast<float>(double(in.a.row<const float>(t)[i]) +
                                                        double(params.scale) * double(in.b.row<const float>(t)[i]));
}

}  // namespace krait::reference
