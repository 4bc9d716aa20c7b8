// SPDX-License-Identifier: Apache-2.0
//
// mul_mat of quantized weights in integers, for few rows of x (core/ops/mul_mat.hpp): x as signed bytes (shaders/rounded_rows.h). A lane
// computes an output of kTokens rows of x; units of columns are dealt out to kSlices parts of the work group, whose sums meet in
// shared memory. Sums within a unit are exact; at 8192 columns and 8 slices 32 float additions in a row.
// params.x: the rounded rows. Dispatch: work group g: outputs from (g % row_groups) * kLanes on, tile g / row_groups of
// up to kTokens rows of x.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 2) const uint kPacking = 0;
layout(constant_id = 3) const uint kTokens = 1;
layout(constant_id = 4) const uint kSlices = 1;
layout(constant_id = 5) const uint kRouting = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#include "backends/vulkan/shaders/integer_dot.glsl"
#include "backends/vulkan/shaders/mul_mat_tile.glsl"

shared float sums[kGroupSize];

void main() {
    const Rows rows_x = params.x, rows_residual = params.residual, rows_y = params.y;
    const uint64_t bias = params.bias, n_groups = params.n_groups;
    const uint n_out = params.n_out, row_groups = params.row_groups;
    const uint64_t g = group_index();
    if (g >= n_groups) return;
    const Tile tile = tile_of(uint(g / row_groups), kTokens);
    const PackedWeights w = tile.w;
    const uint first_token = tile.first_token, end_token = tile.end_token;
    if (first_token >= end_token) return;

    const uint kLanes = kGroupSize / kSlices;
    const uint lane = gl_LocalInvocationID.x % kLanes, slice = gl_LocalInvocationID.x / kLanes;
    const uint output_row = uint(g % row_groups) * kLanes + lane;
    const uint64_t panel = weight_panel(w, output_row);
    const uint row = output_row % KRAIT_PANEL_ROWS;
    float total[kTokens];
    [[unroll]] for (uint t = 0; t < kTokens; ++t) total[t] = 0.0;

    for (uint u = slice; u < w.n_units; u += kSlices) {
        const WeightUnit unit = load_unit(w, panel, row, u);
        const vec4 scales = dot_scales(unit);
        uint words[KRAIT_DOT_WORDS];
        dot_words(unit, words);
        [[unroll]] for (uint t = 0; t < kTokens; ++t) {
            const uint64_t x = x_address(rows_x, min(first_token + t, end_token - 1u));
            const uvec4 facts = U32x4(x + w.n_units * KRAIT_ROUNDED_QUANTS_BYTES).at[u];
            U32x4 quants = U32x4(x + u * KRAIT_ROUNDED_QUANTS_BYTES);
            const uvec4 q[2] = uvec4[2](quants.at[0], quants.at[1]);
            [[unroll]] for (uint part = 0; part < kParts; ++part) {
                int dots = 0;
                [[unroll]] for (uint i = 0; i < kPartWords; ++i) {
                    const uint word = part * kPartWords + i;
                    dots = dot_of_bytes(words[word], q[word / 4u][word & 3u], dots);
                }
                total[t] += dot_part(part, dots, scales, facts);
            }
        }
    }

    [[unroll]] for (uint t = 0; t < kTokens; ++t) {
        if (kSlices > 1u) {
            sums[gl_LocalInvocationID.x] = total[t];
            barrier();
            if (slice == 0u)
                for (uint s = 1; s < kSlices; ++s) total[t] += sums[s * kLanes + lane];
            barrier();
        }
    }
    if (slice != 0u || output_row >= n_out) return;
    const float b = bias != 0ul ? F32(bias).at[output_row] : 0.0;
    [[unroll]] for (uint t = 0; t < kTokens; ++t) {
        const uint token = first_token + t;
        if (token >= end_token) break;
        float y = total[t] + b;
        if (rows_residual.address != 0ul) y += F32(row_address(rows_residual, token)).at[output_row];
        F32(y_address(rows_y, token)).at[output_row] = y;
    }
}
