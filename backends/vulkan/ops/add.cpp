// SPDX-License-Identifier: Apache-2.0
#include "core/ops/add.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Recorder& recorder) {
    record_elementwise(shaders::add, in.a, in.b, out.y, recorder);
}

}  // namespace krait::vulkan
