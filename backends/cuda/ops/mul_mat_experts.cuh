// SPDX-License-Identifier: Apache-2.0
//
// mul_mat_experts with the products of mul_mat. Few rows: each pair of a row and an expert multiplies by itself
// (mul_mat_vector.cuh), weights that several read come out of L2. More: pairs are sorted by expert (expert_rows.cuh), and a
// block makes a tile of one expert's pairs (mul_mat_mma.cuh; F32 weights: mul_mat_tiles.cuh). A row is rounded once for all of
// its experts.
#pragma once

#include "backends/cuda/ops/expert_rows.cuh"
#include "backends/cuda/ops/mul_mat_mma.cuh"
#include "backends/cuda/ops/mul_mat_tiles.cuh"
#include "backends/cuda/ops/mul_mat_vector.cuh"

namespace krait::cuda {

// Of pairs whose id is no expert.
template <class Operands>
KRAIT_DEVICE void store_zeros(const Operands& op, int64_t first_tok, int n_tok, int64_t first_out, int n_out) {
    for (int i = static_cast<int>(threadIdx.x); i < n_tok * n_out; i += static_cast<int>(blockDim.x)) {
        const int64_t t = first_tok + i / n_out, n = first_out + i % n_out;
        if (t < op.n_tok && n < op.n_out) op.y.row(t)[n] = 0.0f;
    }
}

struct PairOperands {
    PairRows<const float> x;
    WeightPlanes w;
    PairRows<const int32_t> ids;
    PairRows<float> y;
    int64_t n_in, n_out;
    int32_t n_expert;
};

// Grid: (rows of w, pairs).
template <class Block>
KRAIT_GLOBAL(kVectorBlock)
mul_mat_pairs_kernel(const PairOperands pairs) {
    KRAIT_SHARED(float, piece, kPieceFloats);
    KRAIT_SHARED(NormRoot, roots, 1);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t p = blockIdx.y;
    const int32_t expert = *pairs.ids.row(p);
    MulMatOperands op{};
    op.x = {pairs.x.row(p), 0};
    op.y = {pairs.y.row(p), 0};
    op.n_tok = 1;
    op.n_in = pairs.n_in;
    op.n_out = pairs.n_out;
    if (expert < 0 || expert >= pairs.n_expert)
        return store_zeros(op, 0, 1, static_cast<int64_t>(blockIdx.x) * kVectorRowsOfBlock, kVectorRowsOfBlock);
    op.w = planes_of_expert(pairs.w, expert, pairs.n_out);
    VectorProduct<Block, 1>(op, piece, roots).run();
}

// The block's tile with its expert's weights; false, and all that there is to do is done, where it has none.
KRAIT_DEVICE bool take_tile(ExpertOperands& op, const ExpertTile& tile, int32_t n_expert, int n_tok, int64_t first_out,
                            int n_out) {
    if (tile.expert < 0) return false;
    op.n_tok = tile.end;
    if (tile.expert == n_expert) {
        store_zeros(op, tile.first, n_tok, first_out, n_out);
        return false;
    }
    op.w = planes_of_expert(op.w, tile.expert, op.n_out);
    return true;
}

// Grid: (tiles, rows of w).
template <class Block, int kTiles, bool kSplit>
KRAIT_GLOBAL(kMmaBlock)
mul_mat_experts_mma_kernel(const ExpertOperands all, const RoundedRows rounded, const ExpertTile* tiles, int32_t n_expert) {
    using Product = MmaProduct<Block, kTiles, kSplit, ExpertOperands>;
    using Step = typename Product::Step;
    KRAIT_DYNAMIC_SHARED(Step, steps);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const ExpertTile tile = tiles[blockIdx.x];
    const int64_t first_out = static_cast<int64_t>(blockIdx.y) * kMmaOut;
    ExpertOperands op = all;
    if (take_tile(op, tile, n_expert, Step::kTok, first_out, kMmaOut)) Product(op, rounded, steps, tile.first, first_out).run();
}

// Grid: (tiles, rows of w).
template <class Block>
KRAIT_GLOBAL(kTileBlock)
mul_mat_experts_tiles_kernel(const ExpertOperands all, const ExpertTile* tiles, int32_t n_expert) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const ExpertTile tile = tiles[blockIdx.x];
    const int64_t first_out = static_cast<int64_t>(blockIdx.y) * kTileOut;
    ExpertOperands op = all;
    if (take_tile(op, tile, n_expert, kTileTok, first_out, kTileOut)) multiply_tile<Block>(op, tile.first, first_out);
}

}  // namespace krait::cuda
