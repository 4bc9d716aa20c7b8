// SPDX-License-Identifier: Apache-2.0
//
// Parameters of mul_mat, y[t, n] = sum over k of x[t, k] * w[n, k] + bias[n] + residual[t, n], and of mul_mat_experts, whose
// rows each have a matrix of their own (shaders/mul_mat_tile.glsl).
#ifndef KRAIT_VULKAN_MUL_MAT_PARAMS_H
#define KRAIT_VULKAN_MUL_MAT_PARAMS_H

#include "backends/vulkan/shaders/packed_weights.h"

// How rows come to their matrices, a specialization constant.
#define KRAIT_ROUTING_NONE 0u        // there is one matrix
#define KRAIT_ROUTING_ONE_BY_ONE 1u  // a tile is one row and expert
#define KRAIT_ROUTING_SORTED 2u      // a tile is rows of one expert, as ops/sort_by_expert.comp found them

KRAIT_SHARED_BEGIN

struct MulMatParams {
    PackedWeights w;  // of the first expert
    Rows x, residual, y;
    uint64_t bias;  // 0: none
    uint64_t n_groups;
    uint64_t w_origin, x_origin;  // of mul_mat_texels: where the blocks of memory begin that the texel buffers cover
    uint32_t n_tok, n_in, n_out;
    uint32_t row_groups;  // work groups that it takes to cover all outputs once
    // With routing:
    Rows ids;
    uint64_t order;           // sorted: for each place the token and which of its experts, two words
    uint64_t tiles;           // sorted: ExpertTile
    uint64_t expert_bytes;    // of the weights of an expert
    uint64_t x_step, y_step;  // from one expert of a token to the next
    uint32_t n_expert, n_used;
};

// Rows of one expert: the places first .. end - 1 of the order. Where there are none, first = end.
struct ExpertTile {
    uint32_t expert;
    uint32_t first, end;
    uint32_t unused;
};

struct SortByExpertParams {
    Rows ids;
    uint64_t counts;  // n_expert + 1 words
    uint64_t order, tiles;
    uint32_t n_tok, n_used;
    uint32_t n_expert;
    uint32_t n_tile;  // entries of tiles
    uint32_t tokens;  // of a tile, at most
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
