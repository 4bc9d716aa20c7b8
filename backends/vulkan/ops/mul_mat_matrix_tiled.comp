// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for many rows of x by cooperative matrices of f16 with sums in float32 (core/ops/mul_mat.hpp); for weights of integers and of
// halves. A work group computes kTile outputs of kTile rows of x, 32 columns at a time, from f16 tiles in shared memory that lose
// nothing which float32 tiles would keep:
//   weights  the bytes of weight_bytes.glsl less their centre, or halves as they are: both are exact
//   x        kRounded: the bytes of rounded_rows.h, exact. Else s * x = high + low, two halves, whose products are added up: 22 bits of
//            every number. s is a power of two for each row and unit and takes the largest |x| below 2^15, so nothing overflows;
//            what f16 flushes is below 2^-29 of the largest
// Sums over a part (the columns that share a scale) are multiplied by both scales where they lie, in the matrices, by two that are
// loaded with a stride of 0: the scale of x is the same along a row, that of w along a column. Halves have no scale_w.
//   y = sum over parts of (sum over k of x * (byte - centre)) * scale_x * scale_w + low * (sum of x)
// Outputs and rows of x with numbers that are not finite, where s * x = high + low does not hold, are added up one by one at the end.
// params.x: kRounded: the rounded rows. Dispatch: work group g: outputs from (g % row_groups) * kTile on, tile g / row_groups of
// up to kTile rows of x. Subgroups are full, of 8 to 64 lanes.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require

layout(constant_id = 2) const uint kPacking = 0;
layout(constant_id = 3) const uint kM = 16;  // a matrix: kM rows of x, kN outputs, kK columns; kK divides the columns of a part
layout(constant_id = 4) const uint kN = 16;
layout(constant_id = 5) const uint kK = 16;
layout(constant_id = 6) const uint kOwnRows = 2;  // of the kTile / kM by kTile / kN matrices of a tile: those of a subgroup
layout(constant_id = 7) const uint kOwnColumns = 2;
layout(constant_id = 8) const bool kRounded = false;
layout(constant_id = 9) const uint kRouting = 0;
#define KRAIT_WEIGHTS_PACKING kPacking
#include "backends/vulkan/shaders/weight_bytes.glsl"
#include "backends/vulkan/shaders/mul_mat_tile.glsl"

const uint kTile = 64;
const uint kStride = 5;         // of a row of 32 halves in words of 16 bytes: one more than it has, so that rows lie in other banks
const uint kStrideResult = 17;  // of a row of kTile floats, likewise
const uint kAtLow = kTile * kStride, kAtWeights = 2 * kTile * kStride;
shared uvec4 tile[kTile * kStrideResult];  // x: high, low, then weights; at the end the result
shared vec4 facts_x[3 * kTile / 4];        // of each row: scale_x; the sum of x over each part
shared vec4 facts_w[4 * kTile / 4];        // of each output: scale_w of each part; low of each part
shared uint one_by_one[2 * kTile];         // rows, then outputs, that have numbers that are not finite

#define MatrixX coopmat<float16_t, gl_ScopeSubgroup, kM, kK, gl_MatrixUseA>
#define MatrixW coopmat<float16_t, gl_ScopeSubgroup, kK, kN, gl_MatrixUseB>
#define MatrixY coopmat<float, gl_ScopeSubgroup, kM, kN, gl_MatrixUseAccumulator>

bool finite(float v) { return (floatBitsToUint(v) & 0x7f800000u) != 0x7f800000u; }
bool finite_halves(uint word) { return (word & 0x7c00u) != 0x7c00u && (word & 0x7c000000u) != 0x7c000000u; }

// Four signed bytes, less `centre`, as halves.
uvec2 halves_of(uint bytes, int centre) {
    vec4 v;
    [[unroll]] for (int b = 0; b < 4; ++b) v[b] = float(bitfieldExtract(int(bytes), b * 8, 8) - centre);
    return uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw));
}

void set_word(uint row_at, uint word, uvec2 halves) {
    tile[row_at + word / 2u][word % 2u * 2u] = halves.x;
    tile[row_at + word / 2u][word % 2u * 2u + 1u] = halves.y;
}

void load_weights(PackedWeights w, uint m, uint output_row, uint u) {
    const uint64_t panel = weight_panel(w, output_row);
    const uint row = output_row % KRAIT_PANEL_ROWS, at = kAtWeights + m * kStride;
    if (kCode == KRAIT_HALVES) {
        [[unroll]] for (uint octet = 0; octet < 4u; ++octet) {
            uvec4 words = weight_words4(panel, (u * 4u + octet) * KRAIT_PANEL_ROWS + row);
            [[unroll]] for (uint i = 0; i < 4u; ++i) {
                if (finite_halves(words[i])) continue;
                one_by_one[kTile + m] = 1u;
                words[i] = 0u;
            }
            tile[at + octet] = words;
        }
        return;
    }
    const WeightUnit unit = load_unit(w, panel, row, u);
    uint words[KRAIT_DOT_WORDS];
    dot_words(unit, words);
    [[unroll]] for (uint i = 0; i < KRAIT_DOT_WORDS; ++i) set_word(at, i, halves_of(words[i], dot_centre()));
    vec4 scales = dot_scales(unit);
    if (!kRounded) {
        [[unroll]] for (uint i = 0; i < 4u; ++i) {
            if (finite(scales[i])) continue;
            one_by_one[kTile + m] = 1u;
            scales[i] = 0.0;
        }
    }
    [[unroll]] for (uint i = 0; i < 4u; ++i) facts_w[(i * kTile + m) / 4u][m & 3u] = scales[i];
}

// The eight lanes of a row take a word of four columns each.
void load_x(Rows rows_x, uint n, uint token, uint end_token, uint n_in, uint n_units, uint u, uint word) {
    const uint64_t x = x_address(rows_x, min(token, end_token - 1u));
    if (kRounded) {
        set_word(n * kStride, word, halves_of(U32(x + u * KRAIT_ROUNDED_QUANTS_BYTES).at[word], 0));
        if (word != 0u) return;
        const vec4 facts = uintBitsToFloat(U32x4(x + n_units * KRAIT_ROUNDED_QUANTS_BYTES).at[u]);
        facts_x[n / 4u][n & 3u] = facts.x;
        facts_x[(kTile + n) / 4u][n & 3u] = kParts == 2u ? facts.y : facts.y + facts.z;
        facts_x[(2u * kTile + n) / 4u][n & 3u] = facts.z;
        return;
    }
    vec4 v = vec4(0.0);
    [[unroll]] for (uint b = 0; b < 4u; ++b) {
        const uint k = u * KRAIT_UNIT + (kCode == KRAIT_HALVES ? word * 4u + b : KRAIT_DOT_COLUMN(kLow, word, b));
        if (k < n_in && token < end_token) v[b] = F32(x).at[k];
        if (finite(v[b])) continue;
        one_by_one[n] = 1u;
        v[b] = 0.0;
    }
    uint largest = floatBitsToUint(max(max(abs(v.x), abs(v.y)), max(abs(v.z), abs(v.w))));
    float sum = v.x + v.y + v.z + v.w;
    [[unroll]] for (uint mask = 1u; mask < KRAIT_DOT_WORDS; mask *= 2u) {
        largest = max(largest, subgroupShuffleXor(largest, mask));
        if (mask < kPartWords) sum += subgroupShuffleXor(sum, mask);
    }
    // s = 2^(14 - e) for a largest of 2^e and more. At e < -112 s would not be a float: the largest stays smaller then.
    const uint exponent = max(largest >> 23, 15u);
    v *= uintBitsToFloat(268u - exponent << 23);
    const uvec2 high = uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw));
    v -= vec4(unpackHalf2x16(high.x), unpackHalf2x16(high.y));
    set_word(n * kStride, word, high);
    set_word(kAtLow + n * kStride, word, uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw)));
    if (word == 0u) facts_x[n / 4u][n & 3u] = uintBitsToFloat(exponent - 14u << 23);
    if (word % kPartWords == 0u) facts_x[((1u + word / kPartWords) * kTile + n) / 4u][n & 3u] = sum;
}

float sum_one_by_one(PackedWeights w, uint64_t x, uint output_row, uint n_in) {
    const uint64_t panel = weight_panel(w, output_row);
    const uint row = output_row % KRAIT_PANEL_ROWS;
    float sum = 0.0;
    for (uint k = 0; k < n_in; ++k) {
        const uint u = k / KRAIT_UNIT, i = k % KRAIT_UNIT;
        float v;
        if (kCode == KRAIT_HALVES) {
            const uint word = weight_words4(panel, (u * 4u + i / 8u) * KRAIT_PANEL_ROWS + row)[i % 8u / 2u];
            v = half_value((i & 1u) != 0u ? word >> 16 : word & 0xffffu);
        } else {
            v = weight_at(load_unit(w, panel, row, u), i);
        }
        sum = fma(v, F32(x).at[k], sum);
    }
    return sum;
}

void main() {
    const Rows rows_x = params.x, rows_residual = params.residual, rows_y = params.y;
    const uint64_t bias = params.bias, n_groups = params.n_groups;
    const uint n_in = params.n_in, n_out = params.n_out, row_groups = params.row_groups;
    const uint64_t g = group_index();
    if (g >= n_groups) return;
    const Tile tile_at = tile_of(uint(g / row_groups), kTile);
    const PackedWeights w = tile_at.w;
    const uint first_token = tile_at.first_token, end_token = tile_at.end_token;
    if (first_token >= end_token) return;

    const uint lane = gl_SubgroupID * kSubgroupSize + gl_SubgroupInvocationID;
    const uint first_output = uint(g % row_groups) * kTile;
    const uint strips = kTile / kN / kOwnColumns;
    const uint own_row = gl_SubgroupID / strips * kOwnRows, own_column = gl_SubgroupID % strips * kOwnColumns;
    for (uint i = lane; i < 2u * kTile; i += kGroupSize) one_by_one[i] = 0u;
    MatrixY total[kOwnRows * kOwnColumns];
    [[unroll]] for (uint i = 0; i < kOwnRows * kOwnColumns; ++i) total[i] = MatrixY(0.0);

    for (uint u = 0; u < w.n_units; ++u) {
        barrier();
        // One half of the lanes, whole subgroups, takes the weights, an output each, the other half x.
        if (lane < kTile) {
            load_weights(w, lane, first_output + lane, u);
        } else {
            for (uint task = lane - kTile; task < kTile * KRAIT_DOT_WORDS; task += kGroupSize - kTile) {
                const uint n = task / KRAIT_DOT_WORDS;
                load_x(rows_x, n, first_token + n, end_token, n_in, w.n_units, u, task % KRAIT_DOT_WORDS);
            }
        }
        barrier();

        for (uint part = 0; part < kParts; ++part) {
            MatrixY sums[kOwnRows * kOwnColumns];
            [[unroll]] for (uint i = 0; i < kOwnRows * kOwnColumns; ++i) sums[i] = MatrixY(0.0);
            for (uint k = part * kPartWords * 4u; k < (part + 1u) * kPartWords * 4u; k += kK) {
                MatrixW of_w[kOwnColumns];
                [[unroll]] for (uint j = 0; j < kOwnColumns; ++j)
                    coopMatLoad(of_w[j], tile, kAtWeights + (own_column + j) * kN * kStride + k / 8u, kStride,
                                gl_CooperativeMatrixLayoutColumnMajor);
                [[unroll]] for (uint i = 0; i < kOwnRows; ++i) {
                    MatrixX of_x;
                    coopMatLoad(of_x, tile, (own_row + i) * kM * kStride + k / 8u, kStride, gl_CooperativeMatrixLayoutRowMajor);
                    [[unroll]] for (uint j = 0; j < kOwnColumns; ++j)
                        sums[i * kOwnColumns + j] = coopMatMulAdd(of_x, of_w[j], sums[i * kOwnColumns + j]);
                    if (kRounded) continue;
                    coopMatLoad(of_x, tile, kAtLow + (own_row + i) * kM * kStride + k / 8u, kStride,
                                gl_CooperativeMatrixLayoutRowMajor);
                    [[unroll]] for (uint j = 0; j < kOwnColumns; ++j)
                        sums[i * kOwnColumns + j] = coopMatMulAdd(of_x, of_w[j], sums[i * kOwnColumns + j]);
                }
            }
            [[unroll]] for (uint j = 0; j < kOwnColumns; ++j) {
                const uint column = (own_column + j) * kN / 4u;
                MatrixY scale_w, low;
                if (kCode != KRAIT_HALVES)
                    coopMatLoad(scale_w, facts_w, part * (kTile / 4u) + column, 0u, gl_CooperativeMatrixLayoutRowMajor);
                if (kMinima)
                    coopMatLoad(low, facts_w, (2u + part) * (kTile / 4u) + column, 0u, gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint i = 0; i < kOwnRows; ++i) {
                    const uint row = (own_row + i) * kM / 4u, at = i * kOwnColumns + j;
                    MatrixY of_row;
                    coopMatLoad(of_row, facts_x, row, 0u, gl_CooperativeMatrixLayoutColumnMajor);
                    if (kCode != KRAIT_HALVES) sums[at] *= scale_w;
                    total[at] += sums[at] * of_row;
                    if (!kMinima) continue;
                    coopMatLoad(of_row, facts_x, (1u + part) * (kTile / 4u) + row, 0u, gl_CooperativeMatrixLayoutColumnMajor);
                    total[at] += low * of_row;
                }
            }
        }
    }

    barrier();
    [[unroll]] for (uint i = 0; i < kOwnRows * kOwnColumns; ++i) {
        const uint row = own_row + i / kOwnColumns, column = own_column + i % kOwnColumns;
        coopMatStore(total[i], tile, row * kM * kStrideResult + column * kN / 4u, kStrideResult, gl_CooperativeMatrixLayoutRowMajor);
    }
    barrier();
    for (uint task = lane; task < kTile * kTile; task += kGroupSize) {
        const uint m = task % kTile, n = task / kTile, output_row = first_output + m, token = first_token + n;
        if (token >= end_token || output_row >= n_out) continue;
        float v = uintBitsToFloat(tile[n * kStrideResult + m / 4u][m & 3u]);
        if (!kRounded && (one_by_one[n] | one_by_one[kTile + m]) != 0u)
            v = sum_one_by_one(w, x_address(rows_x, token), output_row, n_in);
        if (bias != 0ul) v += F32(bias).at[output_row];
        if (rows_residual.address != 0ul) v += F32(row_address(rows_residual, token)).at[output_row];
        F32(y_address(rows_y, token)).at[output_row] = v;
    }
}
