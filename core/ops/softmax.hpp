// SPDX-License-Identifier: Apache-2.0
//
// softmax: y[t, i] = exp(scale * x[t, i] - m) / sum over j of exp(scale * x[t, j] - m), m = the row's largest scale * x.
//   x f32 [T, V] · params scale (1 / temperature) -> y f32 [T, V]
// -inf gives 0. A NaN, or a row of nothing but -inf, gives NaN in that row only.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct SoftmaxParams {
    float scale = 1.0f;
};

struct Softmax {
    using Params = SoftmaxParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        out.y = make_desc(DType::F32, {in.x->extent[0], in.x->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
