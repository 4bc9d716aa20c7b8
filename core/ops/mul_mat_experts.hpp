// SPDX-License-Identifier: Apache-2.0
//
// mul_mat_experts: the linear layer of experts: each row is multiplied with the matrices of those that it goes to.
//   y[t, i, n] = sum over k of x[t, k] * dequantize(w)[ids[t, i], n, k]             x [T, K]: one row for all its experts
//   y[t, i, n] = sum over k of x[t, i, k] * dequantize(w)[ids[t, i], n, k]          x [T, I, K]: one for each
//   x f32 [T, K] or [T, I, K] · w [E, N, K] any format, a constant · ids i32 [T, I], computed -> y f32 [T, I, N]
// An id that is none of 0 to E - 1 gives zeros. Rounding of x and w as in mul_mat; a result depends on its own row and expert
// alone, not on which other rows have the same expert.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct MulMatExperts {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue), (w, kMatrix), (ids, kValue))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect(dtype_of(*in.ids) == DType::I32 && in.ids->rank == 2, "ids", *in.ids, "I32 [n_tok, n_used]"));
        const int64_t n_tok = in.ids->extent[0], n_used = in.ids->extent[1];
        const bool per_expert = in.x->rank == 3;
        if (!per_expert) KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t n_in = in.x->extent[per_expert ? 2 : 1];
        if (per_expert) KRAIT_CHECK(expect_f32("x", *in.x, {n_tok, n_used, n_in}));
        else KRAIT_CHECK(expect_f32("x", *in.x, {n_tok, n_in}));
        KRAIT_CHECK(expect(in.w->rank == 3 && dtype_info(dtype_of(*in.w)).is_weight_format && in.w->extent[2] == n_in, "w",
                           *in.w, fmt::format("[n_expert, n_out, {}] of a weight format", n_in)));
        out.y = make_desc(DType::F32, {n_tok, n_used, in.w->extent[1]});
        return {};
    }
};

}  // namespace krait::ops
