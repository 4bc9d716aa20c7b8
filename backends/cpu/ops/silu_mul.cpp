// SPDX-License-Identifier: Apache-2.0
//
// silu_mul (contract: core/ops/silu_mul.hpp).
#include "core/ops/silu_mul.hpp"
#include "backends/cpu/ops/elementwise.hpp"
#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void silu_mul(const ops::SiluMul::In<Tensor>& in, const ops::SiluMul::Params&, const ops::SiluMul::Out<Tensor>& out,
              Context& context) {
    for_each_pair(in.a, in.b, out.y, context, [](Vec a, Vec b) { return silu(a) * b; });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
