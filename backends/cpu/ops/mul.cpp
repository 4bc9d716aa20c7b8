// SPDX-License-Identifier: Apache-2.0
//
// mul (contract: core/ops/mul.hpp).
#include "core/ops/mul.hpp"
#include "backends/cpu/ops/elementwise.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void mul(const ops::Mul::In<Tensor>& in, const ops::Mul::Params&, const ops::Mul::Out<Tensor>& out, Context& context) {
    for_each_pair(in.a, in.b, out.y, context, [](Vec a, Vec b) { return a * b; });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
