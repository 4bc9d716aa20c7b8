// SPDX-License-Identifier: Apache-2.0
//
// ssm_scan (contract: core/ops/ssm_scan.hpp), both forms by one kernel. kSplit lanes share a channel; a lane keeps kStates of its
// states in registers and walks down the rows of a sequence, so a pass over the rows covers kStates * kSplit states. Where d_state
// is more, passes follow one another and y is the sum so far; the last one adds D * x and applies the gate.
// State i of a lane is n = first + i * kSplit + part: the lanes of a channel read neighbouring words. Their sums meet by shuffles.
// kOneDecay: A has one column, so all states decay alike. kTail: the last pass has states that do not exist.
// kShared: all lanes of a work group belong to one group of heads and kSplit is 1; they load B and C together and shuffle.
// Dispatch: work group g: channels from (g % channel_groups) * kGroupSize / kSplit on, of sequence g / channel_groups.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "backends/vulkan/shaders/krait.glsl"
#include "backends/vulkan/shaders/exponential.glsl"
#include "backends/vulkan/ops/ssm_scan_params.h"

layout(constant_id = 2) const uint kStates = 16;
layout(constant_id = 3) const uint kSplit = 1;
layout(constant_id = 4) const uint kOneDecay = 0;
layout(constant_id = 5) const uint kTail = 1;
layout(constant_id = 6) const uint kShared = 0;
KRAIT_PARAMS(SsmScanParams);

const float kLog2e = 1.44269504088896340736;

// Lanes of a channel must be neighbours in a subgroup, which local indices need not be.
uint lane_index() {
#if defined(KRAIT_SUBGROUPS)
    return gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID;
#else
    return gl_LocalInvocationID.x;
#endif
}

void main() {
    const Rows rows_x = params.x, rows_dt = params.dt, rows_B = params.B, rows_C = params.C, rows_z = params.z,
               rows_y = params.y;
    const uint64_t dt_bias = params.dt_bias, A = params.A, D = params.D, state = params.state, stride = params.slot_stride;
    const uint64_t seq_start = params.seq_start, src_slot = params.src_slot, dst_slot = params.dst_slot,
                   snapshots = params.snapshots, n_groups = params.n_groups;
    const uint channels = params.channels, head_dim = params.head_dim, heads_per_group = params.heads_per_group,
               d_state = params.d_state, channel_groups = params.channel_groups, n_snapshot = params.n_snapshot,
               D_per_channel = params.D_per_channel, dt_softplus = params.dt_softplus;
    const float dt_min = params.dt_min, dt_max = params.dt_max;
    const uint64_t g = group_index();
    if (g >= n_groups) return;

    const uint lane = lane_index(), sequence = uint(g / channel_groups);
    const uint asked = (uint(g % channel_groups) * kGroupSize + lane) / kSplit;
    const uint part = lane % kSplit;
    const bool exists = asked < channels;  // lanes without a channel shadow the last one, for the shuffles
    const uint c = min(asked, channels - 1u), h = c / head_dim;
    const uint first_row = uint(I32(seq_start).at[sequence]), end_row = uint(I32(seq_start).at[sequence + 1u]);
    const int src = I32(src_slot).at[sequence], dst = I32(dst_slot).at[sequence];
    const uint64_t of_channel = state + uint64_t(c) * d_state * 4u;  // of slot 0
    const uint of_group = h / heads_per_group * d_state;
    const float bias = dt_bias != 0ul ? F32(dt_bias).at[h] : 0.0;
    const float skip = D != 0ul ? F32(D).at[D_per_channel != 0u ? c : h] : 0.0;
    const float one_a = kOneDecay != 0u ? F32(A).at[h] * kLog2e : 0.0;

    for (uint first = 0; first < d_state; first += kStates * kSplit) {
        const bool last_pass = first + kStates * kSplit >= d_state;
        float s[kStates], a[kStates];
        [[unroll]] for (uint i = 0; i < kStates; ++i) {
            const uint n = first + i * kSplit + part;
            s[i] = 0.0;
            a[i] = 0.0;
            if (kTail == 0u || n < d_state) {
                if (src >= 0) s[i] = F32(of_channel + uint64_t(src) * stride).at[n];
                if (kOneDecay == 0u) a[i] = F32(A).at[h * d_state + n] * kLog2e;
            }
        }
        for (uint t = first_row; t < end_row; ++t) {
            const uint64_t row_B = row_address(rows_B, t) + of_group * 4u, row_C = row_address(rows_C, t) + of_group * 4u;
            const float x = F32(row_address(rows_x, t)).at[c];
            precise float d = F32(row_address(rows_dt, t)).at[h] + bias;
            if (dt_softplus != 0u) d = softplus(d);
            d = d < dt_min ? dt_min : d;  // a NaN stays
            d = d > dt_max ? dt_max : d;
            const float dx = d * x;
            const float one_decay = kOneDecay != 0u ? exp2_of(d * one_a) : 0.0;
#if defined(KRAIT_SUBGROUPS)
            float spread_B[kStates], spread_C[kStates];  // the first (kStates + kSubgroupSize - 1) / kSubgroupSize are used
            if (kShared != 0u) {
                [[unroll]] for (uint i = 0; i * kSubgroupSize < kStates; ++i) {
                    const uint n = first + i * kSubgroupSize + gl_SubgroupInvocationID;
                    spread_B[i] = spread_C[i] = 0.0;
                    if (n < d_state) {
                        spread_B[i] = F32(row_B).at[n];
                        spread_C[i] = F32(row_C).at[n];
                    }
                }
            }
#endif
            float sums[4] = float[4](0.0, 0.0, 0.0, 0.0);
            [[unroll]] for (uint i = 0; i < kStates; ++i) {
                const uint n = first + i * kSplit + part;
                float B = 0.0, C = 0.0;
#if defined(KRAIT_SUBGROUPS)
                if (kShared != 0u) {
                    B = subgroupShuffle(spread_B[i / kSubgroupSize], i % kSubgroupSize);
                    C = subgroupShuffle(spread_C[i / kSubgroupSize], i % kSubgroupSize);
                } else
#endif
                if (kTail == 0u || n < d_state) {
                    B = F32(row_B).at[n];
                    C = F32(row_C).at[n];
                }
                const float decay = kOneDecay != 0u ? one_decay : exp2_of(d * a[i]);
                const float next = fma(decay, s[i], dx * B);
                s[i] = kTail == 0u || n < d_state ? next : 0.0;  // where x is infinite, 0 * x is not 0
                sums[i % 4u] = fma(s[i], C, sums[i % 4u]);
            }
            float y = (sums[0] + sums[1]) + (sums[2] + sums[3]);
#if defined(KRAIT_SUBGROUPS)
            [[unroll]] for (uint mask = 1; mask < kSplit; mask *= 2u) y += subgroupShuffleXor(y, mask);
#endif
            if (part == 0u && exists) {
                const uint64_t to = row_address(rows_y, t);
                if (first > 0u) y += F32(to).at[c];
                if (last_pass) {
                    y = fma(skip, D != 0ul ? x : 0.0, y);
                    if (rows_z.address != 0ul) y *= silu(F32(row_address(rows_z, t)).at[c]);
                }
                F32(to).at[c] = y;
            }
            for (uint i = 0; i < n_snapshot; ++i) {
                if (I32(snapshots).at[2u * i] != int(t) || !exists) continue;
                const uint64_t slot = of_channel + uint64_t(I32(snapshots).at[2u * i + 1u]) * stride;
                [[unroll]] for (uint j = 0; j < kStates; ++j) {
                    const uint n = first + j * kSplit + part;
                    if (kTail == 0u || n < d_state) F32(slot).at[n] = s[j];
                }
            }
        }
        if (dst >= 0 && exists) {
            [[unroll]] for (uint i = 0; i < kStates; ++i) {
                const uint n = first + i * kSplit + part;
                if (kTail == 0u || n < d_state) F32(of_channel + uint64_t(dst) * stride).at[n] = s[i];
            }
        }
    }
}
