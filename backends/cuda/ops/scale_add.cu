// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/scale_add.hpp"

namespace krait::cuda {

void scale_add(const ops::ScaleAdd::In<Tensor>& in, const ops::ScaleAdd::Params& params, const ops::ScaleAdd::Out<Tensor>& out,
               Context& context) {
    launch_elementwise("scale_add", in.a, in.b, out.y, ScaleAddFunction{params.scale}, context);
}

}  // namespace krait::cuda
