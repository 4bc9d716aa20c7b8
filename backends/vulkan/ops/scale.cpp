// SPDX-License-Identifier: Apache-2.0
#include "core/ops/scale.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void scale(const ops::Scale::In<Tensor>& in, const ops::Scale::Params& params, const ops::Scale::Out<Tensor>& out,
           Recorder& recorder) {
    record_elementwise(shaders::scale, in.x, in.x, out.y, recorder, {.scale = params.scale, .bias = params.bias});
}

}  // namespace krait::vulkan
