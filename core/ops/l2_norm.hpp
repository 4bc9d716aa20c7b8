// SPDX-License-Identifier: Apache-2.0
//
// l2_norm: equal groups of a row are divided by their Euclidean length, as the delta rule wants queries and keys (Yang et al.
// 2024, "Gated Delta Networks", section 3.3).
//   y[t, i] = x[t, i] / sqrt(sum over i's group of x[t, .]^2 + eps)
//   x f32 [T, E] · params eps >= 0, groups (E is a multiple of it) -> y f32 [T, E]
// The sum of squares must not overflow where the result does not: x up to 1e19 is legal. A NaN or infinity in one row stays in
// it. A group of zeros with eps 0 is NaN.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct L2NormParams {
    float eps = 1e-6f;
    int32_t groups = 1;
};

struct L2Norm {
    using Params = L2NormParams;
    KRAIT_INPUTS((x, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t width = in.x->extent[1];
        if (params.groups < 1 || width % params.groups != 0)
            return fail(ErrorCode::invalid_argument, "{} groups do not divide a row of {}", params.groups, width);
        if (!(params.eps >= 0)) return fail(ErrorCode::invalid_argument, "eps {} must not be below 0", params.eps);
        out.y = make_desc(DType::F32, {in.x->extent[0], width});
        return {};
    }
};

}  // namespace krait::ops
