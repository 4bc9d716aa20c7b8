// SPDX-License-Identifier: Apache-2.0
#include "core/ops/activate.hpp"
#include "backends/vulkan/ops/activation.hpp"

namespace krait::vulkan {

void activate(const ops::Activate::In<Tensor>& in, const ops::Activate::Params& params, const ops::Activate::Out<Tensor>& out,
              Recorder& recorder) {
    record_activate(params.function, in.a, in.b, out.y, recorder);
}

}  // namespace krait::vulkan
