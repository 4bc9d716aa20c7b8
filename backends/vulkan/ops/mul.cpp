// SPDX-License-Identifier: Apache-2.0
#include "core/ops/mul.hpp"
#include "backends/vulkan/ops/elementwise.hpp"

namespace krait::vulkan {

void mul(const ops::Mul::In<Tensor>& in, const ops::Mul::Params&, const ops::Mul::Out<Tensor>& out, Recorder& recorder) {
    record_elementwise(shaders::mul, in.a, in.b, out.y, recorder);
}

}  // namespace krait::vulkan
