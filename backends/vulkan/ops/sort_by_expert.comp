// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Sorts the rows of mul_mat_experts by their experts and cuts them into tiles of one expert each. Rows whose expert does not exist come
// last, as those of expert n_expert. Dispatch: one work group.
#include "backends/vulkan/ops/mul_mat_params.h"
#include "backends/vulkan/shaders/krait.glsl"
KRAIT_PARAMS(SortByExpertParams);

layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer Counts { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer ExpertTiles { ExpertTile at[]; };
shared uint rows_of_lane[kGroupSize], tiles_of_lane[kGroupSize];

uint expert_of(uint token, uint i) { return min(U32(row_address(params.ids, token)).at[i], params.n_expert); }
uint tiles_of(uint n_row) { return (n_row + params.tokens - 1u) / params.tokens; }
void wait_for_all() {
    memoryBarrierBuffer();
    barrier();
}

void main() {
    if (group_index() != 0ul) return;
    Counts counts = Counts(params.counts);
    const uint lane = gl_LocalInvocationID.x, n_row = params.n_tok * params.n_used, n_count = params.n_expert + 1u;
    for (uint e = lane; e < n_count; e += kGroupSize) counts.at[e] = 0u;
    wait_for_all();
    for (uint row = lane; row < n_row; row += kGroupSize)
        atomicAdd(counts.at[expert_of(row / params.n_used, row % params.n_used)], 1u);
    wait_for_all();

    // A lane has some experts in a row, and adds up what lanes before it have.
    const uint each = (n_count + kGroupSize - 1u) / kGroupSize;
    const uint first = min(lane * each, n_count), end = min(first + each, n_count);
    uint row = 0u, tile = 0u, all_tiles = 0u;
    for (uint e = first; e < end; ++e) {
        row += counts.at[e];
        tile += tiles_of(counts.at[e]);
    }
    rows_of_lane[lane] = row;
    tiles_of_lane[lane] = tile;
    barrier();
    row = 0u;
    tile = 0u;
    for (uint l = 0; l < kGroupSize; ++l) {
        if (l < lane) {
            row += rows_of_lane[l];
            tile += tiles_of_lane[l];
        }
        all_tiles += tiles_of_lane[l];
    }
    for (uint e = first; e < end; ++e) {
        const uint end_row = row + counts.at[e];
        counts.at[e] = row;  // from here on: where its next row goes
        for (; row < end_row; row += params.tokens)
            ExpertTiles(params.tiles).at[tile++] = ExpertTile(e, row, min(row + params.tokens, end_row), 0u);
        row = end_row;
    }
    for (uint i = all_tiles + lane; i < params.n_tile; i += kGroupSize) ExpertTiles(params.tiles).at[i] = ExpertTile(0u, 0u, 0u, 0u);
    wait_for_all();
    for (uint from = lane; from < n_row; from += kGroupSize) {
        const uint token = from / params.n_used, i = from % params.n_used;
        const uint place = atomicAdd(counts.at[expert_of(token, i)], 1u);
        U32(params.order).at[2u * place] = token;
        U32(params.order).at[2u * place + 1u] = i;
    }
}
