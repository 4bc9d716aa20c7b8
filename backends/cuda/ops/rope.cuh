// SPDX-License-Identifier: Apache-2.0
//
// rope: a thread takes a pair of one row in kRopeHeads heads, or two of the elements that are copied. The angle is counted in
// turns and in double, of which whole ones are taken off before anything becomes float32: exact to 2^-26 of a turn at any
// place, by one product in double a thread. The turns of a place follow from the parameters: the host has computed them.
// Grid: (pairs, heads, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kRopeBlock = 64;
KRAIT_CONSTANT int kRopeHeads = 4;
KRAIT_CONSTANT int kRopePairs = 128;  // of a launch: they fit into its arguments

struct RopeTurns {
    double of_place[kRopePairs];
};

struct RopeOperands {
    Rows<const float> x;
    Rows<float> y;
    const int32_t* positions;
    const float* factors;  // null: 1
    int64_t n_row;
    int32_t n_head, head_dim;
    int32_t n_rot;
    int32_t first_pair, n_unit;  // of this launch: pairs from first_pair on, and behind the last pairs of what is copied
    bool adjacent;
    float magnitude;
};

template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kRopeBlock) rope_kernel(RopeOperands op, RopeTurns turns) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const auto unit = static_cast<int32_t>(blockIdx.x * kRopeBlock + threadIdx.x),
               first_head = static_cast<int32_t>(blockIdx.y) * kRopeHeads;
    if (unit >= op.n_unit) return;
    const int32_t pair = op.first_pair + unit, n_pair = op.n_rot / 2;
    const bool rotated = pair < n_pair;
    int32_t first = op.n_rot + 2 * (pair - n_pair), second = first + 1;
    if (rotated) first = op.adjacent ? 2 * pair : pair, second = op.adjacent ? first + 1 : pair + n_pair;
    const bool has_second = second < op.head_dim;
    double of_place = 0;
    if (rotated) of_place = op.factors ? turns.of_place[unit] / static_cast<double>(op.factors[pair]) : turns.of_place[unit];
    for (int64_t t = blockIdx.z; t < op.n_row; t += gridDim.z) {
        const int32_t position = op.positions[t];
        const bool turns_round = rotated && position >= 0;
        float c = 1, s = 0;
        if (turns_round) {
            const double angle = static_cast<double>(position) * of_place;
            const auto turn = static_cast<float>(angle - round_to_whole(angle));
            c = op.magnitude * cos_of_turns(turn);
            s = op.magnitude * sin_of_turns(turn);
        }
        const float* x = op.x.row(t) + static_cast<int64_t>(first_head) * op.head_dim;
        float* y = op.y.row(t) + static_cast<int64_t>(first_head) * op.head_dim;
        KRAIT_UNROLL
        for (int32_t i = 0; i < kRopeHeads; ++i) {
            if (first_head + i >= op.n_head) break;
            const float a = x[i * op.head_dim + first], b = has_second ? x[i * op.head_dim + second] : 0.0f;
            y[i * op.head_dim + first] = turns_round ? fused(a, c, -(b * s)) : a;
            if (has_second) y[i * op.head_dim + second] = turns_round ? fused(a, s, b * c) : b;
        }
    }
}

}  // namespace krait::cuda
