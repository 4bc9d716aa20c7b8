// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/scale.hpp"

namespace krait::cuda {

void scale(const ops::Scale::In<Tensor>& in, const ops::Scale::Params& params, const ops::Scale::Out<Tensor>& out,
           Context& context) {
    launch_elementwise("scale", in.x, in.x, out.y, ScaleFunction{params.scale, params.bias}, context);
}

}  // namespace krait::cuda
