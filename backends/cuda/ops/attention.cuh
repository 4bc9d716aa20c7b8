// SPDX-License-Identifier: Apache-2.0
//
// Shared by the kernels of attention: operands, where a sequence's keys and values lie, and softmax in pieces.
// A piece of the places that a row sees gives three things: the largest score m, the sum of exp(score - m), and that of
// exp(score - m) * value. Two pieces become one by exp(m - larger m). A NaN is never the largest and makes the sum NaN; where
// all scores are -infinity sums are taken from 0, and stay 0.
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"
#include "core/quant/blocks.hpp"

namespace krait::cuda {

struct AttentionOperands {
    Rows<const float> q;  // [n_head, k_dim] a row
    Rows<float> y;        // [n_head, v_dim]
    const char* cache;
    int64_t row_bytes;                 // of a cache row
    int64_t key_bytes;                 // from the keys of one head to those of the next
    int64_t first_value, value_bytes;  // the same of values, and where those of the first head begin
    const int32_t* page_table;
    const int32_t* positions;
    const int32_t* seq_start;
    int32_t n_tok, n_seq, table_width, rows_per_page;
    int32_t n_head, heads_of_key, k_dim, v_dim;
    int32_t window;
    float scale, soft_cap;
    // Where one block does not go through all places of a row: parts of part_places each, n_part of a row at most, and what
    // they give, [n_tok, n_head, n_part], sums of values [.., v_dim].
    int32_t part_places, n_part;
    float* part_largest;
    float* part_sum;
    float* part_values;
};

// The sequence of row t: the last that begins at it or before.
KRAIT_DEVICE int32_t sequence_of(const AttentionOperands& op, int32_t t) {
    int32_t b = 0, end = op.n_seq;
    while (end - b > 1) {
        const int32_t middle = b + (end - b) / 2;
        if (op.seq_start[middle] <= t) b = middle;
        else end = middle;
    }
    return b;
}

// The places that a row at `position` sees: from the first to itself.
KRAIT_DEVICE int32_t first_place(const AttentionOperands& op, int32_t position) {
    return op.window > 0 && position >= op.window ? position - op.window + 1 : 0;
}
// The cache row of a place.
KRAIT_DEVICE const char* cache_row(const AttentionOperands& op, int32_t sequence, int32_t place) {
    const int64_t page = op.page_table[static_cast<int64_t>(sequence) * op.table_width + place / op.rows_per_page];
    return op.cache + (page * op.rows_per_page + place % op.rows_per_page) * op.row_bytes;
}

KRAIT_DEVICE float capped_score(const AttentionOperands& op, float product) {
    const float score = product * op.scale;
    return op.soft_cap > 0 ? op.soft_cap * tanh_accurate(divide(score, op.soft_cap)) : score;
}

// What scores are counted from.
KRAIT_DEVICE float score_base(float largest) { return largest == -bits_float(0x7f800000u) ? 0.0f : largest; }

KRAIT_DEVICE bool is_finite(float value) { return (float_bits(value) & 0x7f800000u) != 0x7f800000u; }

// sum + weight * value, where a weight of 0 does not see an infinity or a NaN.
KRAIT_DEVICE float add_weighted(float weight, float value, float sum) {
    return weight == 0 && !is_finite(value) ? sum : fused(weight, value, sum);
}

// The index of a row's part in part_largest and part_sum.
KRAIT_DEVICE int64_t part_index(const AttentionOperands& op, int64_t t, int64_t head, int64_t part) {
    return (t * op.n_head + head) * op.n_part + part;
}

KRAIT_CONSTANT int kMergeBlock = 128;

// Parts of a row become its result, in their order. Grid: (rows, heads).
template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kMergeBlock) attention_merge_kernel(const AttentionOperands op) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t t = blockIdx.x, head = blockIdx.y;
    float* y = op.y.row(t) + head * op.v_dim;
    const int32_t position = op.positions[t];
    const int32_t n_part = position < 0 ? 0 : position / op.part_places - first_place(op, position) / op.part_places + 1;
    float largest = -bits_float(0x7f800000u), sum = 0;
    for (int32_t part = 0; part < n_part; ++part)
        largest = LargestOf()(largest, op.part_largest[part_index(op, t, head, part)]);
    const float base = score_base(largest);
    for (int32_t part = 0; part < n_part; ++part) {
        const int64_t at = part_index(op, t, head, part);
        sum = fused(exp_accurate(op.part_largest[at] - base), op.part_sum[at], sum);
    }
    for (int32_t c = static_cast<int32_t>(threadIdx.x); c < op.v_dim; c += kMergeBlock) {
        float values = 0;
        for (int32_t part = 0; part < n_part; ++part) {
            const int64_t at = part_index(op, t, head, part);
            values = add_weighted(exp_accurate(op.part_largest[at] - base), op.part_values[at * op.v_dim + c], values);
        }
        y[c] = position < 0 ? 0.0f : divide(values, sum);
    }
}

}  // namespace krait::cuda
