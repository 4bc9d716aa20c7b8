// SPDX-License-Identifier: Apache-2.0
//
// combine_experts: the weighted sum of what a row's experts gave.
//   y[t, n] = sum over i of weights[t, i] * x[t, i, n] + base[t, n]              base absent: 0
//   x f32 [T, I, N] · weights f32 [T, I] · base f32 [T, N]? -> y f32 [T, N]
// Added in the order of i, base last.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct CombineExperts {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue), (weights, kValue), (base, optional(kValue)))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 3));
        const int64_t n_tok = in.x->extent[0], n_used = in.x->extent[1], width = in.x->extent[2];
        KRAIT_CHECK(expect_f32("weights", *in.weights, {n_tok, n_used}));
        if (in.base) KRAIT_CHECK(expect_f32("base", *in.base, {n_tok, width}));
        out.y = make_desc(DType::F32, {n_tok, width});
        return {};
    }
};

}  // namespace krait::ops
