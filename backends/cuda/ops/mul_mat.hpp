// SPDX-License-Identifier: Apache-2.0
//
// The two ways to multiply: up to kMostVectorRows rows of x by mul_mat_vector.cuh, more by mul_mat_tiles.cuh.
#pragma once

#include "backends/cuda/ops/mul_mat_tiles.cuh"
#include "backends/cuda/ops/mul_mat_vector.cuh"
#include "backends/cuda/ops/operands.hpp"

namespace krait::cuda {

inline constexpr int64_t kMostVectorRows = 8;

template <class Block, int kTok>
void launch_mul_mat_vector(const MulMatOperands& op, Context& context) {
    launch(context.stream,
           {.name = "mul_mat_vector", .grid = {blocks_for(op.n_out, kVectorRowsOfBlock)}, .block = {kVectorBlock}},
           &mul_mat_vector_kernel<Block, kTok>, op);
}

template <class Block>
void launch_mul_mat_vector(const MulMatOperands& op, Context& context) {
    if (op.n_tok == 0) return;
    if (op.n_tok == 1) return launch_mul_mat_vector<Block, 1>(op, context);
    if (op.n_tok == 2) return launch_mul_mat_vector<Block, 2>(op, context);
    if (op.n_tok <= 4) return launch_mul_mat_vector<Block, 4>(op, context);
    return launch_mul_mat_vector<Block, 8>(op, context);
}

template <class Block>
void launch_mul_mat_tiles(const MulMatOperands& op, Context& context) {
    launch(context.stream,
           {.name = "mul_mat_tiles",
            .grid = {blocks_for(op.n_tok, kTileTok), blocks_for(op.n_out, kTileOut)},
            .block = {kTileBlock}},
           &mul_mat_tiles_kernel<Block>, op);
}

}  // namespace krait::cuda
