// SPDX-License-Identifier: Apache-2.0
#include "core/ops/silu_mul.hpp"
#include "backends/vulkan/ops/activation.hpp"

namespace krait::vulkan {

void silu_mul(const ops::SiluMul::In<Tensor>& in, const ops::SiluMul::Params&, const ops::SiluMul::Out<Tensor>& out,
              Recorder& recorder) {
    record_activate(ops::Activation::silu, in.a, in.b, out.y, recorder);
}

}  // namespace krait::vulkan
