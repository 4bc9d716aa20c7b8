// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/silu_mul.hpp"

namespace krait::cuda {

void silu_mul(const ops::SiluMul::In<Tensor>& in, const ops::SiluMul::Params&, const ops::SiluMul::Out<Tensor>& out,
              Context& context) {
    launch_elementwise("silu_mul", in.a, in.b, out.y, ActivateFunction<ops::Activation::silu, true>{}, context);
}

}  // namespace krait::cuda
