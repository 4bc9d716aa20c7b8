// SPDX-License-Identifier: Apache-2.0
//
// scale_add (contract: core/ops/scale_add.hpp).
#include "core/ops/scale_add.hpp"
#include "backends/cpu/ops/elementwise.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void scale_add(const ops::ScaleAdd::In<Tensor>& in, const ops::ScaleAdd::Params& params, const ops::ScaleAdd::Out<Tensor>& out,
               Context& context) {
    const Vec factor = broadcast(params.scale);
    for_each_pair(in.a, in.b, out.y, context, [=](Vec a, Vec b) { return fma(factor, b, a); });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
