// SPDX-License-Identifier: Apache-2.0
//
// silu_mul: the gate, y = silu(a) * b, silu(v) = v / (1 + exp(-v)).
//   a f32 [T, E] · b f32 [T, E] -> y f32 [T, E]
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct SiluMul {
    using Params = NoParams;
    KRAIT_INPUTS((a, kValue), (b, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("a", *in.a, 2));
        KRAIT_CHECK(expect_f32("b", *in.b, {in.a->extent[0], in.a->extent[1]}));
        out.y = make_desc(DType::F32, {in.a->extent[0], in.a->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
