// SPDX-License-Identifier: Apache-2.0
//
// scale_add: y = a + scale * b, element by element: a residual that counts less.
//   a f32 [T, E] · b f32 [T, E] · params scale -> y f32 [T, E]
// One or two roundings: the product may be fused.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct ScaleAddParams {
    float scale = 1.0f;
};

struct ScaleAdd {
    using Params = ScaleAddParams;
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
