// SPDX-License-Identifier: Apache-2.0
#include "core/ops/copy.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void copy(const ops::Copy::In<Tensor>& in, const ops::Copy::Params&, const ops::Copy::Out<Tensor>& out, Recorder& recorder) {
    record_elementwise(shaders::copy, in.x, in.x, out.y, recorder);
}

}  // namespace krait::vulkan
