// SPDX-License-Identifier: Apache-2.0
//
// attention: softmax attention of each row over the keys and values that its sequence has in a cache of pages (Vaswani et al.
// 2017, section 3.2.1; query heads in groups: Ainslie et al. 2023). For row t of sequence b at place p = positions[t], query
// head h of H, key head g = h / (H / n_kv_head), and the places j = max(0, p - window + 1) .. p (from 0 where window is 0):
//   s[j]      = scale * sum over d of q[t, h, d] * K[j, g, d];  s[j] = soft_cap * tanh(s[j] / soft_cap) where soft_cap > 0
//   y[t, h,:] = sum over j of exp(s[j]) * V[j, g, :] / sum over j of exp(s[j])
// Place j of sequence b is row j % R of page page_table[b, j / R]. In a cache row of E elements K[j, g, :] are the Dk from g *
// Dk on, V[j, g, :] the Dv from v_column + g * Dv on; they may overlap (v_column 0: values are the first part of the keys).
//   q f32 [T, H, Dk] · cache pages of rows [E], F32, F16 or Q8_0: [P, R, E] · page_table i32 [B, W]: core/ops/paged.hpp
//   positions i32 [T]: -1 = padding, whose y is 0 · seq_start i32 [B + 1]: core/ops/ragged.hpp
//   params: n_kv_head divides H, Dv, v_column, window >= 0, scale, soft_cap >= 0 -> y f32 [T, H, Dv]
// A score of -inf has weight 0; a row with a NaN or +inf among its scores, or with nothing but -inf, is NaN, and no other row.
// A row's result depends on nothing but its q, p and the keys and values: not on the other rows of the run or on the pages.
#pragma once

#include "core/ops/paged.hpp"

namespace krait::ops {

struct AttentionParams {
    int32_t n_kv_head = 1;
    int32_t v_dim = 0;     // Dv
    int32_t v_column = 0;  // of a cache row, where the values begin
    int32_t window = 0;    // places that a row sees, itself included; 0 = all
    float scale = 1.0f;
    float soft_cap = 0.0f;  // 0 = none

    // The first place that a row at `position` sees; the last one is its own.
    int64_t first_place(int64_t position) const { return window > 0 && position >= window ? position - window + 1 : 0; }
};

struct Attention {
    using Params = AttentionParams;
    KRAIT_INPUTS((q, kValue), (cache, kPages), (page_table, pages_read("cache")), (positions, positions_of("q")),
                 (seq_start, sequence_starts("q")))
    KRAIT_OUTPUTS((y, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("q", *in.q, 3));
        const int64_t n_tok = in.q->extent[0], n_head = in.q->extent[1], k_dim = in.q->extent[2];
        KRAIT_CHECK(expect_pages("cache", *in.cache));
        KRAIT_CHECK(expect(dtype_of(*in.page_table) == DType::I32 && in.page_table->rank == 2, "page_table", *in.page_table,
                           "I32 [n_seq, pages of the longest sequence]"));
        KRAIT_CHECK(expect_i32("positions", *in.positions, {n_tok}));
        KRAIT_CHECK(expect_i32("seq_start", *in.seq_start, {in.page_table->extent[0] + 1}));
        const auto bad = ErrorCode::invalid_argument;
        if (params.n_kv_head < 1 || n_head % params.n_kv_head != 0)
            return fail(bad, "{} key heads do not divide the {} query heads", params.n_kv_head, n_head);
        const int64_t width = in.cache->extent[2], k_end = params.n_kv_head * k_dim,
                      v_end = params.v_column + int64_t{params.n_kv_head} * params.v_dim;
        if (k_dim < 1 || params.v_dim < 1 || params.v_column < 0 || k_end > width || v_end > width)
            return fail(bad, "cache rows of {} elements: {} heads of {} keys end at {}, of {} values from {} on at {}", width,
                        params.n_kv_head, k_dim, k_end, params.v_dim, params.v_column, v_end);
        const int64_t block = dtype_info(dtype_of(*in.cache)).block_elems;
        if (k_dim % block != 0 || params.v_dim % block != 0 || params.v_column % block != 0)
            return fail(bad, "keys of {}, values of {} from {} on: a {} cache needs multiples of {}", k_dim, params.v_dim,
                        params.v_column, dtype_name(dtype_of(*in.cache)), block);
        if (params.window < 0 || !(params.soft_cap >= 0))
            return fail(bad, "window {} and soft_cap {} must not be below 0", params.window, params.soft_cap);
        out.y = make_desc(DType::F32, {n_tok, n_head, params.v_dim});
        return {};
    }
};

}  // namespace krait::ops
