// SPDX-License-Identifier: Apache-2.0
//
// l2_norm (contract: core/ops/l2_norm.hpp).
#include "core/ops/l2_norm.hpp"
#include "backends/cpu/ops/norm.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void l2_norm(const ops::L2Norm::In<Tensor>& in, const ops::L2Norm::Params& params, const ops::L2Norm::Out<Tensor>& out,
             Context& context) {
    normalise_groups(in.x, nullptr, params.groups, 1.0, params.eps, out.y, context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
