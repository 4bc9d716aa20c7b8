// SPDX-License-Identifier: Apache-2.0
//
// ssm_scan: the selective state-space recurrence, both forms (Mamba: Gu and Dao 2023, algorithm 2; Mamba-2: Dao and Gu
// 2024, section 5). Per token t, head h, channel p, state n; g = h / (n_head / n_group), so the heads of a group are
// contiguous:
//   d            = dt[t, h] + dt_bias[h];  d = softplus(d) where dt_softplus;  d = min(max(d, dt_min), dt_max)
//   S[h, p, n]   = exp(d * A[h, n]) * S[h, p, n] + (d * x[t, h, p]) * B[t, g, n]
//   y[t, h, p]   = sum over n of S[h, p, n] * C[t, g, n] + D * x[t, h, p]
//   y[t, h, p]  *= silu(z[t, h, p])                                                            where z is present
// Mamba-1 is head_dim = 1, n_head = d_inner, n_group = 1, A [H, N]. Mamba-2 is A [H, 1] and head_dim > 1. Any sizes.
//   x f32 [T, H, P] · dt f32 [T, H] · dt_bias f32 [H]? · A f32 [H, N] or [H, 1] (holds A itself, <= 0 in real models)
//   B, C f32 [T, G, N] · D f32 [H] or [H, P]? · z f32 [T, H, P]? · state f32 pool of [H, P, N]
//   seq_start, src_slot, dst_slot, snapshots?: core/ops/ragged.hpp -> y f32 [T, H, P]
// softplus(v) = log1p(exp(v)) for v <= 20, v above (exact in float32 there).
#pragma once

#include <limits>

#include "core/ops/ragged.hpp"

namespace krait::ops {

struct SsmScanParams {
    int32_t dt_softplus = 1;
    float dt_min = 0.0f;
    float dt_max = std::numeric_limits<float>::infinity();
};

struct SsmScan {
    using Params = SsmScanParams;
    KRAIT_INPUTS((x, kValue), (dt, kValue), (dt_bias, optional(kVector)), (A, kVector), (B, kValue), (C, kValue),
                 (D, optional(kVector)), (z, optional(kValue)), (state, kState), (seq_start, sequence_starts("x")),
                 (src_slot, slots_read("state")), (dst_slot, slots_written("state")),
                 (snapshots, optional(snapshots_of("state"))))
    KRAIT_OUTPUTS((y, kValue))
    static constexpr float kSoftplusThreshold = 20.0f;

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 3));
        const int64_t n_tok = in.x->extent[0], n_head = in.x->extent[1], head_dim = in.x->extent[2];
        KRAIT_CHECK(expect_f32("dt", *in.dt, {n_tok, n_head}));
        if (in.dt_bias) KRAIT_CHECK(expect_f32("dt_bias", *in.dt_bias, {n_head}));
        KRAIT_CHECK(expect_f32("B", *in.B, 3));
        const int64_t n_group = in.B->extent[1], d_state = in.B->extent[2];
        KRAIT_CHECK(expect(in.B->extent[0] == n_tok && n_group >= 1 && n_head % n_group == 0, "B", *in.B,
                           fmt::format("[{}, n_group dividing {} heads, d_state]", n_tok, n_head)));
        KRAIT_CHECK(expect_f32("C", *in.C, {n_tok, n_group, d_state}));
        KRAIT_CHECK(expect_f32("A", *in.A, 2));
        KRAIT_CHECK(expect(in.A->extent[0] == n_head && (in.A->extent[1] == d_state || in.A->extent[1] == 1), "A", *in.A,
                           fmt::format("[{}, {}] or [{}, 1]", n_head, d_state, n_head)));
        if (in.D && in.D->rank == 1) KRAIT_CHECK(expect_f32("D", *in.D, {n_head}));
        if (in.D && in.D->rank != 1) KRAIT_CHECK(expect_f32("D", *in.D, {n_head, head_dim}));
        if (in.z) KRAIT_CHECK(expect_f32("z", *in.z, {n_tok, n_head, head_dim}));
        KRAIT_CHECK(expect(in.state->rank == 4, "state", *in.state, "a pool [n_slots, n_head, head_dim, d_state]"));
        KRAIT_CHECK(expect_f32("state", *in.state, {in.state->extent[0], n_head, head_dim, d_state}));
        if (!(params.dt_min <= params.dt_max))
            return fail(ErrorCode::invalid_argument, "dt_min {} is larger than dt_max {}", params.dt_min, params.dt_max);
        KRAIT_CHECK(infer_ragged(n_tok, *in.seq_start, *in.src_slot, *in.dst_slot, in.snapshots));
        out.y = make_desc(DType::F32, {n_tok, n_head, head_dim});
        return {};
    }
};

}  // namespace krait::ops
