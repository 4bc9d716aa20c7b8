// SPDX-License-Identifier: Apache-2.0
#include "core/ops/l2_norm.hpp"
#include "backends/vulkan/ops/norm.hpp"

namespace krait::vulkan {

void l2_norm(const ops::L2Norm::In<Tensor>& in, const ops::L2Norm::Params& params, const ops::L2Norm::Out<Tensor>& out,
             Recorder& recorder) {
    record_norm(in.x, {}, out.y, params.groups, Squares::kSum, params.eps, recorder);
}

}  // namespace krait::vulkan
