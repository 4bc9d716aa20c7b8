// SPDX-License-Identifier: Apache-2.0
//
// mul_mat of quantized weights in integers, for many rows of x (core/ops/mul_mat.hpp): x as signed bytes (shaders/rounded_rows.h). A
// work group computes kTile outputs of kTile rows of x; of every kSteps units it lays the bytes of weights and of x into shared
// memory, word by word, and each lane multiplies kLaneOutputs by kLaneTokens of them. Sums within a part are exact; at 8192 columns
// 256 float additions in a row, or 512 where parts are halves.
// params.x: the rounded rows. Dispatch: work group g: outputs from (g % row_groups) * kTile on, tile g / row_groups of up to kTile rows
// of x.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 2) const uint kPacking = 0;
layout(constant_id = 3) const uint kLaneOutputs = 8;  // kGroupSize = kTile / kLaneOutputs * kTile / kLaneTokens
layout(constant_id = 4) const uint kLaneTokens = 4;
layout(constant_id = 5) const uint kRouting = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#include "backends/vulkan/shaders/integer_dot.glsl"
#include "backends/vulkan/shaders/mul_mat_tile.glsl"

const uint kTile = 64, kSteps = 2;
shared uvec4 tile_w[kSteps * KRAIT_DOT_WORDS * kTile / 4];
shared uvec4 tile_x[kSteps * KRAIT_DOT_WORDS * kTile / 4];
shared vec4 scales_w[kSteps * kTile];
shared uvec4 facts_x[kSteps * kTile];

void main() {
    const Rows rows_x = params.x, rows_residual = params.residual, rows_y = params.y;
    const uint64_t bias = params.bias, n_groups = params.n_groups;
    const uint n_out = params.n_out, row_groups = params.row_groups;
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

    for (uint first_unit = 0; first_unit < w.n_units; first_unit += kSteps) {
        const uint n_steps = min(kSteps, w.n_units - first_unit);
        // Neighbouring lanes take neighbouring outputs, which lie side by side in a panel.
        for (uint task = lane; task < kTile * n_steps; task += kGroupSize) {
            const uint m = task % kTile, step = task / kTile;
            const uint64_t panel = weight_panel(w, first_output + m);
            const WeightUnit unit = load_unit(w, panel, (first_output + m) % KRAIT_PANEL_ROWS, first_unit + step);
            uint words[KRAIT_DOT_WORDS];
            dot_words(unit, words);
            [[unroll]] for (uint i = 0; i < KRAIT_DOT_WORDS; ++i)
                tile_w[((step * KRAIT_DOT_WORDS + i) * kTile + m) / 4u][m & 3u] = words[i];
            scales_w[task] = dot_scales(unit);
        }
        for (uint task = lane; task < kTile * n_steps; task += kGroupSize) {
            const uint n = task % kTile, step = task / kTile, u = first_unit + step;
            const uint64_t x = x_address(rows_x, min(first_token + n, end_token - 1u));
            U32x4 quants = U32x4(x + u * KRAIT_ROUNDED_QUANTS_BYTES);
            const uvec4 q[2] = uvec4[2](quants.at[0], quants.at[1]);
            [[unroll]] for (uint i = 0; i < KRAIT_DOT_WORDS; ++i)
                tile_x[((step * KRAIT_DOT_WORDS + i) * kTile + n) / 4u][n & 3u] = q[i / 4u][i & 3u];
            facts_x[task] = U32x4(x + w.n_units * KRAIT_ROUNDED_QUANTS_BYTES).at[u];
        }
        barrier();

        for (uint part = 0; part < n_steps * kParts; ++part) {
            const uint step = part / kParts;
            int dots[kLaneOutputs * kLaneTokens];
            [[unroll]] for (uint i = 0; i < kLaneOutputs * kLaneTokens; ++i) dots[i] = 0;
            for (uint i = 0; i < kPartWords; ++i) {
                const uint word = part * kPartWords + i;
                uvec4 of_w[kLaneOutputs / 4u], of_x[kLaneTokens / 4u];
                [[unroll]] for (uint m = 0; m < kLaneOutputs / 4u; ++m) of_w[m] = tile_w[(word * kTile + own_output) / 4u + m];
                [[unroll]] for (uint n = 0; n < kLaneTokens / 4u; ++n) of_x[n] = tile_x[(word * kTile + own_token) / 4u + n];
                [[unroll]] for (uint n = 0; n < kLaneTokens; ++n) {
                    [[unroll]] for (uint m = 0; m < kLaneOutputs; ++m) {
                        const uint at = n * kLaneOutputs + m;
                        dots[at] = dot_of_bytes(of_w[m / 4u][m & 3u], of_x[n / 4u][n & 3u], dots[at]);
                    }
                }
            }
            [[unroll]] for (uint n = 0; n < kLaneTokens; ++n) {
                const uvec4 facts = facts_x[step * kTile + own_token + n];
                [[unroll]] for (uint m = 0; m < kLaneOutputs; ++m) {
                    const uint at = n * kLaneOutputs + m;
                    total[at] += dot_part(part % kParts, dots[at], scales_w[step * kTile + own_output + m], facts);
                }
            }
        }
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
