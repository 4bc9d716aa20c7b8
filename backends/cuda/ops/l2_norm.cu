// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/norm.hpp"
#include "core/ops/l2_norm.hpp"

namespace krait::cuda {

void l2_norm(const ops::L2Norm::In<Tensor>& in, const ops::L2Norm::Params& params, const ops::L2Norm::Out<Tensor>& out,
             Context& context) {
    launch_norm("l2_norm", in.x, {}, out.y, params.groups, 1.0f, params.eps, context);
}

}  // namespace krait::cuda
