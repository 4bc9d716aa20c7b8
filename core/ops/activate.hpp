// SPDX-License-Identifier: Apache-2.0
//
// activate: an activation function of each element, or a gate: y = f(a) * b.
//   a f32 [T, E] · b f32 [T, E]? (absent: 1) · params function, not `none` (core/ops/activation.hpp) -> y f32 [T, E]
// silu with b is silu_mul. f(a) may be rounded to float32 before b multiplies it. NaN stays NaN; silu, gelu and gelu_tanh of
// -inf are NaN too (-inf * 0). The tails of gelu and gelu_tanh keep their relative precision, as far as exp(-a^2 / 2) is a
// float32.
#pragma once

#include "core/ops/activation.hpp"
#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct ActivateParams {
    Activation function = Activation::silu;
};

struct Activate {
    using Params = ActivateParams;
    KRAIT_INPUTS((a, kValue), (b, optional(kValue)))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("a", *in.a, 2));
        if (in.b) KRAIT_CHECK(expect_f32("b", *in.b, {in.a->extent[0], in.a->extent[1]}));
        const auto function = static_cast<int32_t>(params.function);
        if (function < 1 || function >= kActivations)
            return fail(ErrorCode::invalid_argument, "function {}: 1 to {} exist (core/ops/activation.hpp)", function,
                        kActivations - 1);
        out.y = make_desc(DType::F32, {in.a->extent[0], in.a->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
