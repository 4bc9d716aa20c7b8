// SPDX-License-Identifier: Apache-2.0
//
// mul_mat (contract: core/ops/mul_mat.hpp).
#include "core/ops/mul_mat.hpp"
#include "backends/cpu/ops/multiply.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Context& context) {
    ProductRows rows(in.x, in.residual, out.y);
    multiply(in.w, in.bias ? in.bias.elements<const float>() : nullptr, rows, context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
