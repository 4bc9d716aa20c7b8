// SPDX-License-Identifier: Apache-2.0
//
// The rows of x that a work group of a product has, the weights that they meet, and where both lie. The includer defines kRouting, a
// specialization constant: mul_mat's rows follow one another and have one matrix, those of mul_mat_experts one of their expert.
#ifndef KRAIT_MUL_MAT_TILE_GLSL
#define KRAIT_MUL_MAT_TILE_GLSL

#include "backends/vulkan/ops/mul_mat_params.h"
#include "backends/vulkan/shaders/krait.glsl"
KRAIT_PARAMS(MulMatParams);

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer ExpertTiles { ExpertTile at[]; };

struct Tile {
    PackedWeights w;  // without units where there is no such expert: then results are 0
    uint first_token, end_token;
};

Tile tile_of(uint index, uint tokens) {
    Tile tile = Tile(params.w, index * tokens, min(index * tokens + tokens, params.n_tok));
    if (kRouting == KRAIT_ROUTING_NONE) return tile;
    uint expert;
    if (kRouting == KRAIT_ROUTING_SORTED) {
        const ExpertTile found = ExpertTiles(params.tiles).at[index];
        tile.first_token = found.first;
        tile.end_token = found.end;
        expert = found.expert;
    } else {
        tile.end_token = index + 1u;
        expert = U32(row_address(params.ids, index / params.n_used)).at[index % params.n_used];
    }
    if (expert < params.n_expert) tile.w.address += expert * params.expert_bytes;
    else tile.w.n_units = 0u;
    return tile;
}

// Of a token of a tile. step: from one expert of a token to the next.
uint64_t token_address(Rows rows, uint64_t step, uint token) {
    if (kRouting == KRAIT_ROUTING_NONE) return row_address(rows, token);
    if (kRouting == KRAIT_ROUTING_ONE_BY_ONE)
        return row_address(rows, token / params.n_used) + token % params.n_used * step;
    return row_address(rows, U32(params.order).at[2u * token]) + U32(params.order).at[2u * token + 1u] * step;
}
uint64_t x_address(Rows rows_x, uint token) { return token_address(rows_x, params.x_step, token); }
uint64_t y_address(Rows rows_y, uint token) { return token_address(rows_y, params.y_step, token); }

#endif
