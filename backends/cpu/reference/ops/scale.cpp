// SPDX-License-Identifier: Apache-2.0
#include "core/ops/scale.hpp"
#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void scale(const ops::Scale::In<Tensor>& in, const ops::Scale::Params& params, const ops::Scale::Out<Tensor>& out, Context&) {
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t i = 0; i < in.x.extent(1); ++i)
            out.y.row<float>(t)[i] =
                static_cast<float>(double(in.x.row<const float>(t)[i]) * double(params.scale) + double(params.bias));
}

}  // namespace krait::reference
