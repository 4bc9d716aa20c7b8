// SPDX-License-Identifier: Apache-2.0
//
// rope: rotary position embedding (Su et al. 2021, section 3.4.2): pairs of elements of each head are turned by an angle that
// grows with the token's place in its sequence. For pair i of n_rot / 2, p = positions[t]:
//   angle      = p * base^(-2 i / n_rot) / factors[i] * (1 + (scale - 1) * ramp_i)       factors absent: 1
//   ramp_i     = min(max((i - ramp_low) / max(ramp_high - ramp_low, 0.001), 0), 1)
//   (y_a, y_b) = magnitude * (x_a cos(angle) - x_b sin(angle), x_a sin(angle) + x_b cos(angle))
// where (a, b) is (2 i, 2 i + 1) with pairing `adjacent` and (i, i + n_rot / 2) with `halves`. Elements from n_rot on are
// copied.
//   x f32 [T, H, D] · positions i32 [T], 0 to 2^24 - 1, or -1 (padding: the row is copied) · factors f32 [n_rot / 2]?
//   params: n_rot even, 2 <= n_rot <= D; base > 0, scale > 0 -> y f32 [T, H, D]
// The default ramp is 1 for every pair: `scale` is linear interpolation then, 1 = none. With the limits of YaRN (Peng et al.
// 2023, section 3.2) only pairs that turn slowly are interpolated.
// The angle is exact to 2^-20 of a turn at any position: taken in float32 alone it would be off by a thirtieth of a turn at
// 2^20.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

enum class RopePairing : int32_t { adjacent = 0, halves = 1 };  // "NORM" and "NEOX" in files' terms

struct RopeParams {
    int32_t n_rot = 2;
    RopePairing pairing = RopePairing::adjacent;
    float base = 10000.0f;
    float scale = 1.0f;
    float ramp_low = -1.0f, ramp_high = 0.0f;
    float magnitude = 1.0f;
};

struct Rope {
    using Params = RopeParams;
    KRAIT_INPUTS((x, kValue), (positions, positions_of("x")), (factors, optional(kVector)))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("x", *in.x, 3));
        const int64_t n_tok = in.x->extent[0], n_head = in.x->extent[1], head_dim = in.x->extent[2];
        KRAIT_CHECK(expect_i32("positions", *in.positions, {n_tok}));
        if (params.n_rot < 2 || params.n_rot % 2 != 0 || params.n_rot > head_dim)
            return fail(ErrorCode::invalid_argument, "n_rot {}: an even number from 2 to the head's {} elements is needed",
                        params.n_rot, head_dim);
        if (params.pairing != RopePairing::adjacent && params.pairing != RopePairing::halves)
            return fail(ErrorCode::invalid_argument, "pairing {}: 0 (adjacent) and 1 (halves) exist",
                        static_cast<int32_t>(params.pairing));
        if (!(params.base > 0) || !(params.scale > 0))
            return fail(ErrorCode::invalid_argument, "base {} and scale {} must be above 0", params.base, params.scale);
        if (in.factors) KRAIT_CHECK(expect_f32("factors", *in.factors, {params.n_rot / 2}));
        out.y = make_desc(DType::F32, {n_tok, n_head, head_dim});
        return {};
    }
};

}  // namespace krait::ops
