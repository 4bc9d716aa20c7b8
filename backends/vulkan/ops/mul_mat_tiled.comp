// SPDX-License-Identifier: Apache-2.0
//
// mul_mat and mul_mat_experts for many rows of x on a GPU (core/ops/mul_mat.hpp): float32 tiles. A work group computes kTile outputs of kTile rows of x;
// for every 32 columns it unpacks the weights of its outputs and lays x beside them in shared memory, column by column, and each lane
// multiplies kLaneOutputs by kLaneTokens of them. Products of 32 columns go into sums of their own, these into one sum a result: at
// 8192 columns 256 additions in a row.
// Dispatch: work group g: outputs from (g % row_groups) * kTile on, tile g / row_groups of up to kTile rows of x.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 2) const uint kPacking = 0;
layout(constant_id = 3) const uint kLaneOutputs = 8;  // kGroupSize = kTile / kLaneOutputs * kTile / kLaneTokens
layout(constant_id = 4) const uint kLaneTokens = 4;
layout(constant_id = 5) const uint kRouting = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#include "backends/vulkan/shaders/weights.glsl"
#include "backends/vulkan/shaders/mul_mat_tile.glsl"

const uint kTile = 64;
const uint kWidthX = kTile + 4;  // columns are written one number each by neighbouring lanes: 8 banks instead of one
shared vec4 tile_w[KRAIT_UNIT * kTile / 4];
shared vec4 tile_x[KRAIT_UNIT * kWidthX / 4];

void main() {
    const Rows rows_x = params.x, rows_residual = params.residual, rows_y = params.y;
    const uint64_t bias = params.bias, n_groups = params.n_groups;
    const uint n_in = params.n_in, n_out = params.n_out, row_groups = params.row_groups;
    const uint64_t g = group_index();
    if (g >= n_groups) return;
    const Tile tile = tile_of(uint(g / row_groups), kTile);
    const PackedWeights w = tile.w;
    const uint first_token = tile.first_token, end_token = tile.end_token;
    if (first_token >= end_token) return;

    const uint lane = gl_LocalInvocationID.x;
    const uint first_output = uint(g % row_groups) * kTile;
    const uint own_output = lane % (kTile / kLaneOutputs) * kLaneOutputs;
    const uint own_token = lane / (kTile / kLaneOutputs) * kLaneTokens;
    float total[kLaneOutputs * kLaneTokens];
    [[unroll]] for (uint i = 0; i < kLaneOutputs * kLaneTokens; ++i) total[i] = 0.0;

    for (uint u = 0; u < w.n_units; ++u) {
        // Neighbouring lanes take neighbouring outputs, which lie side by side in a panel.
        for (uint task = lane; task < kTile * 4u; task += kGroupSize) {
            const uint m = task % kTile, octet = task / kTile, row = (first_output + m) % KRAIT_PANEL_ROWS;
            const uint64_t panel = weight_panel(w, first_output + m);
            float eight[8];
            if (kCode == KRAIT_INTEGERS) {
                const WeightUnit unit = load_unit(w, panel, row, u);
                [[unroll]] for (uint i = 0; i < 8u; ++i) eight[i] = weight_at(unit, octet * 8u + i);
            } else {
                load_floats(panel, row, u, octet, eight);
            }
            [[unroll]] for (uint i = 0; i < 8u; ++i) tile_w[((octet * 8u + i) * kTile + m) / 4u][m & 3u] = eight[i];
        }
        // Neighbouring lanes take neighbouring columns of a row of x.
        for (uint task = lane; task < kTile * KRAIT_UNIT; task += kGroupSize) {
            const uint i = task % KRAIT_UNIT, n = task / KRAIT_UNIT, k = u * KRAIT_UNIT + i, token = first_token + n;
            float v = 0.0;
            if (k < n_in && token < end_token) v = F32(x_address(rows_x, token)).at[k];
            tile_x[(i * kWidthX + n) / 4u][n & 3u] = v;
        }
        barrier();

        float sums[kLaneOutputs * kLaneTokens];
        [[unroll]] for (uint i = 0; i < kLaneOutputs * kLaneTokens; ++i) sums[i] = 0.0;
        for (uint i = 0; i < KRAIT_UNIT; ++i) {
            vec4 of_w[kLaneOutputs / 4u], of_x[kLaneTokens / 4u];
            [[unroll]] for (uint m = 0; m < kLaneOutputs / 4u; ++m) of_w[m] = tile_w[(i * kTile + own_output) / 4u + m];
            [[unroll]] for (uint n = 0; n < kLaneTokens / 4u; ++n) of_x[n] = tile_x[(i * kWidthX + own_token) / 4u + n];
            [[unroll]] for (uint n = 0; n < kLaneTokens; ++n) {
                [[unroll]] for (uint m = 0; m < kLaneOutputs; ++m)
                    sums[n * kLaneOutputs + m] = fma(of_w[m / 4u][m & 3u], of_x[n / 4u][n & 3u], sums[n * kLaneOutputs + m]);
            }
        }
        [[unroll]] for (uint i = 0; i < kLaneOutputs * kLaneTokens; ++i) total[i] += sums[i];
        barrier();
    }

    [[unroll]] for (uint n = 0; n < kLaneTokens; ++n) {
        const uint token = first_token + own_token + n;
        if (token >= end_token) break;
        const uint64_t y = y_address(rows_y, token), residual = row_address(rows_residual, token);
        [[unroll]] for (uint m = 0; m < kLaneOutputs; ++m) {
            const uint row_w = first_output + own_output + m;
            if (row_w >= n_out) break;
            float v = total[n * kLaneOutputs + m];
            if (bias != 0ul) v += F32(bias).at[row_w];
            if (rows_residual.address != 0ul) v += F32(residual).at[row_w];
            F32(y).at[row_w] = v;
        }
    }
}
