// SPDX-License-Identifier: Apache-2.0
#include "core/ops/rms_norm.hpp"
#include "backends/vulkan/ops/norm.hpp"

namespace krait::vulkan {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Recorder& recorder) {
    record_norm(in.x, in.weight, out.y, params.groups, Squares::kMean, params.eps, recorder);
}

}  // namespace krait::vulkan
