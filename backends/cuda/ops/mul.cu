// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/elementwise.hpp"
#include "core/ops/mul.hpp"

namespace krait::cuda {

void mul(const ops::Mul::In<Tensor>& in, const ops::Mul::Params&, const ops::Mul::Out<Tensor>& out, Context& context) {
    launch_elementwise("mul", in.a, in.b, out.y, MulFunction{}, context);
}

}  // namespace krait::cuda
