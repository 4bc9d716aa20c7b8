// SPDX-License-Identifier: Apache-2.0
//
// scale (contract: core/ops/scale.hpp).
#include "core/ops/scale.hpp"
#include "backends/cpu/ops/elementwise.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void scale(const ops::Scale::In<Tensor>& in, const ops::Scale::Params& params, const ops::Scale::Out<Tensor>& out,
           Context& context) {
    const Vec factor = broadcast(params.scale), bias = broadcast(params.bias);
    for_each_pair(in.x, in.x, out.y, context, [=](Vec x, Vec) { return x * factor + bias; });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
