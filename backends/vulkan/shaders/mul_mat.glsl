// SPDX-License-Identifier: Apache-2.0
//
// The body of ops/mul_mat.comp and, with KRAIT_TEXELS, of ops/mul_mat_texels.comp:
// mul_mat and mul_mat_experts for few rows of x, and for devices whose lanes are a processor's (core/ops/mul_mat.hpp). A lane computes kOutputs outputs
// of kTokens rows of x and walks down all columns: nothing is summed over lanes unless kSlices > 1, where the columns are dealt out
// in units of 32 to kSlices parts of the work group whose sums meet in shared memory.
// The lanes of a part have neighbouring outputs, hence neighbouring words of a panel, and the same columns. What they need of x is
// the same for all: kShared lets the lanes load it together and shuffle; else each loads it, from one address for all.
// Products go into sums of 8, these into one sum an output: at 8192 columns 1024 additions in a row.
// Dispatch: work group g: outputs from (g % row_groups) * kLanes * kOutputs on, tile g / row_groups of up to kTokens rows of x.

layout(constant_id = 2) const uint kPacking = 0;
layout(constant_id = 3) const uint kOutputs = 1;
layout(constant_id = 4) const uint kTokens = 1;
layout(constant_id = 5) const uint kSlices = 1;
layout(constant_id = 6) const uint kShared = 0;
layout(constant_id = 7) const uint kVectors = 0;  // rows of x are whole units, and aligned to 16 bytes
layout(constant_id = 8) const uint kRouting = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#include "backends/vulkan/shaders/weights.glsl"
#include "backends/vulkan/shaders/mul_mat_tile.glsl"
#if defined(KRAIT_TEXELS)
layout(set = 0, binding = 1) uniform usamplerBuffer x_texels;
#endif

shared float sums[kGroupSize];

void main() {
    const Rows rows_x = params.x, rows_residual = params.residual, rows_y = params.y;
    const uint64_t bias = params.bias, n_groups = params.n_groups;
    const uint n_in = params.n_in, n_out = params.n_out, row_groups = params.row_groups;
#if defined(KRAIT_TEXELS)
    weight_texels_origin = params.w_origin;
    const uint64_t x_origin = params.x_origin;
#endif
    const uint64_t g = group_index();
    if (g >= n_groups) return;
    const Tile tile = tile_of(uint(g / row_groups), kTokens);
    const PackedWeights w = tile.w;
    const uint first_token = tile.first_token, end_token = tile.end_token;
    if (first_token >= end_token) return;

    const uint kLanes = kGroupSize / kSlices;
    const uint lane = gl_LocalInvocationID.x % kLanes, slice = gl_LocalInvocationID.x / kLanes;
    const uint first_output = uint(g % row_groups) * kLanes * kOutputs + lane;
    uint64_t panels[kOutputs];
    uint64_t x[kTokens];
    float total[kOutputs * kTokens];
    const uint row = first_output % KRAIT_PANEL_ROWS;  // kLanes is a multiple of KRAIT_PANEL_ROWS
    [[unroll]] for (uint r = 0; r < kOutputs; ++r) panels[r] = weight_panel(w, first_output + r * kLanes);
    [[unroll]] for (uint t = 0; t < kTokens; ++t) x[t] = x_address(rows_x, min(first_token + t, end_token - 1u));
    [[unroll]] for (uint i = 0; i < kOutputs * kTokens; ++i) total[i] = 0.0;

    for (uint u = slice; u < w.n_units; u += kSlices) {
        WeightUnit units[kOutputs];
        if (kCode == KRAIT_INTEGERS) {
            [[unroll]] for (uint r = 0; r < kOutputs; ++r) units[r] = load_unit(w, panels[r], row, u);
        }
#if defined(KRAIT_SUBGROUPS)
        // x of the unit, spread over the lanes of a subgroup; where it is wider than 32 lanes, twice or more.
        const uint kWidth = min(kSubgroupSize, KRAIT_UNIT);
        float spread[kTokens * 4u];
#if defined(KRAIT_TEXELS)
        // Eight lanes with four columns each.
        if (kShared != 0u && kVectors != 0u) {
            [[unroll]] for (uint t = 0; t < kTokens; ++t) {
                const uint first = uint((x[t] - x_origin) >> 4) + u * (KRAIT_UNIT / 4u);
                const uvec4 four = texelFetch(x_texels, int(first + gl_SubgroupInvocationID % (KRAIT_UNIT / 4u)));
                [[unroll]] for (uint i = 0; i < 4u; ++i) spread[t * 4u + i] = uintBitsToFloat(four[i]);
            }
        } else
#endif
        if (kShared != 0u) {
            [[unroll]] for (uint i = 0; i < KRAIT_UNIT / kWidth; ++i) {
                const uint k = u * KRAIT_UNIT + i * kWidth + gl_SubgroupInvocationID % kWidth;
                [[unroll]] for (uint t = 0; t < kTokens; ++t) {
                    float v = 0.0;
                    if (k < n_in) v = F32(x[t]).at[k];
                    spread[t * 4u + i] = v;
                }
            }
        }
#endif
        [[unroll]] for (uint octet = 0; octet < 4u; ++octet) {
            float weights[kOutputs * 8u];
            [[unroll]] for (uint r = 0; r < kOutputs; ++r) {
                float eight[8];
                if (kCode == KRAIT_INTEGERS) {
                    [[unroll]] for (uint i = 0; i < 8u; ++i) eight[i] = weight_at(units[r], octet * 8u + i);
                } else {
                    load_floats(panels[r], row, u, octet, eight);
                }
                [[unroll]] for (uint i = 0; i < 8u; ++i) weights[r * 8u + i] = eight[i];
            }
            [[unroll]] for (uint t = 0; t < kTokens; ++t) {
                float x8[8];
                if (kShared == 0u && kVectors != 0u) {
                    F32x4 at = F32x4(x[t] + (u * KRAIT_UNIT + octet * 8u) * 4u);
                    const vec4 a = at.at[0], b = at.at[1];
                    [[unroll]] for (uint i = 0; i < 4u; ++i) x8[i] = a[i], x8[i + 4u] = b[i];
                }
                [[unroll]] for (uint i = 0; i < 8u && (kShared != 0u || kVectors == 0u); ++i) {
                    const uint k = octet * 8u + i;  // in the unit
#if defined(KRAIT_SUBGROUPS)
#if defined(KRAIT_TEXELS)
                    if (kShared != 0u && kVectors != 0u) {
                        x8[i] = subgroupShuffle(spread[t * 4u + k % 4u], k / 4u);
                        continue;
                    }
#endif
                    if (kShared != 0u) {
                        x8[i] = subgroupShuffle(spread[t * 4u + k / kWidth], k % kWidth);
                        continue;
                    }
#endif
                    x8[i] = 0.0;
                    if (u * KRAIT_UNIT + k < n_in) x8[i] = F32(x[t]).at[u * KRAIT_UNIT + k];
                }
                [[unroll]] for (uint r = 0; r < kOutputs; ++r) {
                    float sum = weights[r * 8u] * x8[0];
                    [[unroll]] for (uint i = 1; i < 8u; ++i) sum = fma(weights[r * 8u + i], x8[i], sum);
                    total[r * kTokens + t] += sum;
                }
            }
        }
    }

    [[unroll]] for (uint i = 0; i < kOutputs * kTokens; ++i) {
        if (kSlices > 1u) {
            sums[gl_LocalInvocationID.x] = total[i];
            barrier();
            if (slice == 0u)
                for (uint s = 1; s < kSlices; ++s) total[i] += sums[s * kLanes + lane];
            barrier();
        }
    }
    if (slice != 0u) return;
    [[unroll]] for (uint r = 0; r < kOutputs; ++r) {
        const uint n = first_output + r * kLanes;
        if (n >= n_out) break;
        const float b = bias != 0ul ? F32(bias).at[n] : 0.0;
        [[unroll]] for (uint t = 0; t < kTokens; ++t) {
            const uint token = first_token + t;
            if (token >= end_token) break;
            float y = total[r * kTokens + t] + b;
            if (rows_residual.address != 0ul) y += F32(row_address(rows_residual, token)).at[n];
            F32(y_address(rows_y, token)).at[n] = y;
        }
    }
}
