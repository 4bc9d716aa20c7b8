// SPDX-License-Identifier: Apache-2.0
//
// scale: y = x * scale + bias, two numbers for all elements.
//   x f32 [T, E] · params scale, bias -> y f32 [T, E]
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct ScaleParams {
    float scale = 1.0f;
    float bias = 0.0f;
};

struct Scale {
    using Params = ScaleParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        out.y = make_desc(DType::F32, {in.x->extent[0], in.x->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
