// SPDX-License-Identifier: Apache-2.0
//
// mul_mat: the linear layer, with the two additions that always follow it fused.
//   y[t, n] = sum over k of x[t, k] * dequantize(w)[n, k] + bias[n] + residual[t, n]
//   x f32 [T, K] · w [N, K] any format, a constant · bias f32 [N]? · residual f32 [T, N]? -> y f32 [T, N]
// A backend may round x to f16, bf16 or blocks of integers where w is not F32, and w where it is F16 or BF16; the tolerances of
// the op tests say how far.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

struct MulMat {
    using Params = NoParams;
    KRAIT_INPUTS((x, kValue), (w, kMatrix), (bias, optional(kVector)), (residual, optional(kValue)))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params&, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t n_tok = in.x->extent[0];
        KRAIT_CHECK(
            expect(in.w->rank == 2 && dtype_info(dtype_of(*in.w)).is_weight_format && in.w->extent[1] == in.x->extent[1], "w",
                   *in.w, fmt::format("[n_out, {}] of a weight format", in.x->extent[1])));
        const int64_t n_out = in.w->extent[0];
        if (in.bias) KRAIT_CHECK(expect_f32("bias", *in.bias, {n_out}));
        if (in.residual) KRAIT_CHECK(expect_f32("residual", *in.residual, {n_tok, n_out}));
        out.y = make_desc(DType::F32, {n_tok, n_out});
        return {};
    }
};

}  // namespace krait::ops
