// SPDX-License-Identifier: Apache-2.0
//
// add (contract: core/ops/add.hpp).
#include "core/ops/add.hpp"
#include "backends/cpu/ops/elementwise.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void add(const ops::Add::In<Tensor>& in, const ops::Add::Params&, const ops::Add::Out<Tensor>& out, Context& context) {
    for_each_pair(in.a, in.b, out.y, context, [](Vec a, Vec b) { return a + b; });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
