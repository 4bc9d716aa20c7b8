// SPDX-License-Identifier: Apache-2.0
//
// activate (contract: core/ops/activate.hpp).
#include "core/ops/activate.hpp"
#include "backends/cpu/ops/elementwise.hpp"
#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void activate(const ops::Activate::In<Tensor>& in, const ops::Activate::Params& params, const ops::Activate::Out<Tensor>& out,
              Context& context) {
    const auto apply = [&](auto f) {
        if (in.b) for_each_pair(in.a, in.b, out.y, context, [f](Vec a, Vec b) { return f(a) * b; });
        else for_each_pair(in.a, in.a, out.y, context, [f](Vec a, Vec) { return f(a); });
    };
    switch (params.function) {
        case ops::Activation::none: return;  // infer refuses it
        case ops::Activation::silu: return apply([](Vec a) { return silu(a); });
        case ops::Activation::relu_squared:
            return apply([](Vec a) {
                const Vec positive = max(zero(), a);  // max gives its second operand where either is NaN
                return positive * positive;
            });
        case ops::Activation::gelu: return apply([](Vec a) { return gelu(a); });
        case ops::Activation::gelu_tanh: return apply([](Vec a) { return gelu_tanh(a); });
        case ops::Activation::sigmoid: return apply([](Vec a) { return sigmoid(a); });
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
