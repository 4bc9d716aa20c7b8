// SPDX-License-Identifier: Apache-2.0
#include "core/ops/scale_add.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void scale_add(const ops::ScaleAdd::In<Tensor>& in, const ops::ScaleAdd::Params& params, const ops::ScaleAdd::Out<Tensor>& out,
               Recorder& recorder) {
    record_elementwise(shaders::scale_add, in.a, in.b, out.y, recorder, {.scale = params.scale});
}

}  // namespace krait::vulkan
