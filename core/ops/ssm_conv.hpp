// SPDX-License-Identifier: Apache-2.0
//
// ssm_conv: the short causal depthwise convolution before a scan (Gu and Dao 2023, section 3.4), with the state that
// lets a sequence go on where it stopped.
//   y[t, c] = act(sum over j < d_conv of w[c, j] * u[t - (d_conv-1) + j, c] + bias[c])
// where u is the sequence's input x, preceded by the d_conv-1 rows of its state (oldest first).
//   x f32 [T, C] · w f32 [C, d_conv], d_conv >= 1 · bias f32 [C]?
//   state f32 pool of [d_conv-1, C]: the last d_conv-1 rows of u
//   seq_start, src_slot, dst_slot, snapshots?: core/ops/ragged.hpp · params activation (none or silu) -> y f32 [T, C]
// A sequence shorter than d_conv-1 shifts the old state. With d_conv = 1 the state is empty ([0, C]).
#pragma once

#include "core/ops/activation.hpp"
#include "core/ops/ragged.hpp"

namespace krait::ops {

struct SsmConvParams {
    Activation activation = Activation::silu;
};

struct SsmConv {
    using Params = SsmConvParams;
    KRAIT_INPUTS((x, kValue), (w, kVector), (bias, optional(kVector)), (state, kState), (seq_start, sequence_starts("x")),
                 (src_slot, slots_read("state")), (dst_slot, slots_written("state")),
                 (snapshots, optional(snapshots_of("state"))))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 2));
        const int64_t n_tok = in.x->extent[0], channels = in.x->extent[1];
        KRAIT_CHECK(expect_f32("w", *in.w, 2));
        KRAIT_CHECK(expect(in.w->extent[0] == channels && in.w->extent[1] >= 1, "w", *in.w,
                           fmt::format("[{}, d_conv >= 1]", channels)));
        if (in.bias) KRAIT_CHECK(expect_f32("bias", *in.bias, {channels}));
        KRAIT_CHECK(expect_f32("state", *in.state, {in.state->extent[0], in.w->extent[1] - 1, channels}));
        if (params.activation != Activation::none && params.activation != Activation::silu)
            return fail(ErrorCode::invalid_argument, "activation {}: 0 (none) and 1 (silu) exist",
                        static_cast<int32_t>(params.activation));
        KRAIT_CHECK(infer_ragged(n_tok, *in.seq_start, *in.src_slot, *in.dst_slot, in.snapshots));
        out.y = make_desc(DType::F32, {n_tok, channels});
        return {};
    }
};

}  // namespace krait::ops
