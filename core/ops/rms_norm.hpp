// SPDX-License-Identifier: Apache-2.0
//
// rms_norm: root-mean-square normalisation (Zhang and Sennrich 2019, eq. 4), over whole rows or over equal groups of a row.
//   y[t, i] = x[t, i] / sqrt(mean over i's group of x[t, .]^2 + eps) * weight[i]
//   x f32 [T, E] · weight f32 [E]? (absent: 1) · params eps, groups (E is a multiple of it) -> y f32 [T, E]
// The sum of squares must not overflow where the result does not: x up to 1e19 is legal.
// A NaN or infinity in one row stays in it.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct RmsNormParams {
    float eps = 1e-5f;
    int32_t groups = 1;
};

struct RmsNorm {
    using Params = RmsNormParams;
    KRAIT_INPUTS((x, kValue), (weight, optional(kVector)))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t width = in.x->extent[1];
        if (in.weight) KRAIT_CHECK(expect_f32("weight", *in.weight, {width}));
        if (params.groups < 1 || width % params.groups != 0)
            return fail(ErrorCode::invalid_argument, "{} groups do not divide a row of {}", params.groups, width);
        out.y = make_desc(DType::F32, {in.x->extent[0], width});
        return {};
    }
};

}  // namespace krait::ops
