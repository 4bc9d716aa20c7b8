// SPDX-License-Identifier: Apache-2.0
//
// mul_mat_experts (contract: core/ops/mul_mat_experts.hpp): rows sorted by expert, and one product for each that has any. All
// experts share one loop, so that an expert with many rows keeps all threads busy, and many with a row each do, too.
#include "core/ops/mul_mat_experts.hpp"
#include "backends/cpu/ops/multiply.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void mul_mat_experts(const ops::MulMatExperts::In<Tensor>& in, const ops::MulMatExperts::Params&,
                     const ops::MulMatExperts::Out<Tensor>& out, Context& context) {
    ProductRows rows(in.x, in.ids, in.w.extent(0), out.y);
    multiply(in.w, nullptr, rows, context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
