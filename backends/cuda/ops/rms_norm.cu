// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/norm.hpp"
#include "core/ops/rms_norm.hpp"

namespace krait::cuda {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Context& context) {
    const auto width = static_cast<float>(in.x.extent(1) / params.groups);
    launch_norm("rms_norm", in.x, in.weight, out.y, params.groups, width, params.eps, context);
}

}  // namespace krait::cuda
