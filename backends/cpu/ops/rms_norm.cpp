// SPDX-License-Identifier: Apache-2.0
//
// rms_norm (contract: core/ops/rms_norm.hpp).
#include "core/ops/rms_norm.hpp"
#include "backends/cpu/ops/norm.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void rms_norm(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Params& params, const ops::RmsNorm::Out<Tensor>& out,
              Context& context) {
    normalise_groups(in.x, in.weight ? in.weight.elements<const float>() : nullptr, params.groups,
                     static_cast<double>(in.x.extent(1) / params.groups), params.eps, out.y, context);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
