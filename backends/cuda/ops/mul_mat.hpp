// SPDX-License-Identifier: Apache-2.0
//
// The ways to multiply: up to kMaxVectorRows rows of x by mul_mat_vector.cuh; more by mul_mat_mma.cuh, and from kMinWgmmaRows
// on by mul_mat_wgmma.cuh on devices that use it; where w is not F32, which mul_mat_tiles.cuh multiplies in float32.
#pragma once

#include <cmath>

#include "backends/cuda/ops/mul_mat_mma.cuh"
#include "backends/cuda/ops/mul_mat_tiles.cuh"
#include "backends/cuda/ops/mul_mat_vector.cuh"
#include "backends/cuda/ops/mul_mat_wgmma.cuh"
#include "backends/cuda/ops/operands.hpp"
#include "core/ops/mul_mat.hpp"

namespace krait::cuda {

inline constexpr int64_t kMaxVectorRows = 4;
inline constexpr int64_t kMinWgmmaRows = 64;  // of the 128 that a block takes: half of its products are for nothing there

inline MulMatOperands mul_mat_operands(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Out<Tensor>& out) {
    MulMatOperands op{};
    op.x = input_rows<float>(in.x);
    op.w = planes_of(in.w);
    op.bias = input_elements<float>(in.bias);
    op.residual = input_rows<float>(in.residual);
    op.y = output_rows<float>(out.y);
    op.n_tok = in.x.extent(0);
    op.n_in = in.x.extent(1);
    op.n_out = in.w.extent(0);
    return op;
}

template <class Block, int kTok>
void launch_mul_mat_vector(const MulMatOperands& op, Context& context) {
    launch(context.stream,
           {.name = "mul_mat_vector", .grid = {blocks_for(op.n_out, kVectorRowsOfBlock)}, .block = {kVectorBlock}},
           &mul_mat_vector_kernel<Block, kTok>, op);
}

template <class Block>
void launch_mul_mat_vector(MulMatOperands op, Context& context) {
    if (op.n_tok == 0) return;
    op.early = context.stream.gpu().uses_pdl();
    if (op.n_tok == 1) return launch_mul_mat_vector<Block, 1>(op, context);
    if (op.n_tok == 2) return launch_mul_mat_vector<Block, 2>(op, context);
    return launch_mul_mat_vector<Block, 4>(op, context);
}

template <class Block>
void launch_mul_mat_tiles(const MulMatOperands& op, Context& context) {
    launch(context.stream,
           {.name = "mul_mat_tiles",
            .grid = {blocks_for(op.n_tok, kTileTok), blocks_for(op.n_out, kTileOut)},
            .block = {kTileBlock}},
           &mul_mat_tiles_kernel<Block>, op);
}

// x for the matrix unit, in scratch memory until the op returns; the first `taken` bytes of that are something else's.
template <bool kBf16, bool kSplit, int kRun, class XRows>
RoundedRows launch_round_rows(const XRows& x, int64_t n_row, int64_t n_in, bool with_sums, Context& context,
                              uint64_t taken = 0) {
    RoundedRows rounded{};
    rounded.n_row = n_row;
    rounded.padded = (n_in + kStepColumns - 1) / kStepColumns * kStepColumns;
    const auto n_values = static_cast<uint64_t>(n_row * rounded.padded);
    const uint64_t value_bytes = n_values * sizeof(uint16_t) * (kSplit ? 2 : 1),
                   sum_bytes = n_values / kSumColumns * sizeof(float);
    std::byte* memory = context.scratch(taken + value_bytes + sum_bytes + static_cast<uint64_t>(n_row) * sizeof(float)) + taken;
    rounded.values = reinterpret_cast<uint16_t*>(memory);
    rounded.unscale = reinterpret_cast<float*>(memory + value_bytes + sum_bytes);
    if (with_sums) rounded.sums = reinterpret_cast<float*>(memory + value_bytes);
    launch(context.stream, {.name = "round_rows", .grid = {static_cast<uint32_t>(n_row)}, .block = {kRoundBlock}},
           &round_rows_kernel<kBf16, kSplit, kRun, XRows>, x, rounded, n_in);
    return rounded;
}

template <class Block>
constexpr bool has_minima() {
    if constexpr (kIsQuantized<Block>) return PlanesOf<Block>::kMinima;
    return false;
}

template <class Block, int kTiles, bool kSplit>
void launch_mul_mat_mma(const MulMatOperands& op, Context& context) {
    using Step = MmaStep<Block, kTiles, kSplit>;
    constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    const RoundedRows rounded = launch_round_rows<kBf16, kSplit, 0>(op.x, op.n_tok, op.n_in, has_minima<Block>(), context);
    launch(context.stream,
           {.name = "mul_mat_mma",
            .grid = {blocks_for(op.n_tok, Step::kTok), blocks_for(op.n_out, kMmaOut)},
            .block = {kMmaBlock},
            .dynamic_shared = 2 * sizeof(Step)},
           &mul_mat_mma_kernel<Block, kTiles, kSplit>, op, rounded);
}

// Few rows: reading w is the bound, and x can be two numbers. Many: w comes through shared memory once for 64 of them, and x is
// rounded to f16; rows of bf16 are two anyway, and 32.
template <class Block>
void launch_mul_mat_mma(const MulMatOperands& op, Context& context) {
    constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    constexpr int64_t kMaxSplitRows = 32;
    if (op.n_tok > kMaxSplitRows && context.stream.gpu().is_sm80())
        return launch_mul_mat_mma < Block, kBf16 ? 4 : 8, kBf16 > (op, context);
    launch_mul_mat_mma<Block, 2, true>(op, context);
}

// The power of two that takes the largest weight into [2^14, 2^15), where f16 ends at 2^16.
inline float wgmma_factor(float largest) { return largest > 0 ? std::ldexp(1.0f, 14 - std::ilogb(largest)) : 1.0f; }

template <class Block>
void launch_mul_mat_wgmma(const MulMatOperands& op, Context& context) {
    constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    constexpr int kTiles = 16;
    using Product = WgmmaProduct<Block, kTiles, kBf16>;
    const float factor = wgmma_factor(op.w.largest);
    const RoundedRows rounded =
        launch_round_rows<kBf16, kBf16, StepWeights<Block>::kRun>(op.x, op.n_tok, op.n_in, false, context);
    launch(context.stream,
           {.name = "mul_mat_wgmma",
            .grid = {blocks_for(op.n_tok, Product::kTok), blocks_for(op.n_out, kWgmmaOut)},
            .block = {kWgmmaBlock},
            .dynamic_shared = kWgmmaShared<kTiles>},
           &mul_mat_wgmma_kernel<Block, kTiles, kBf16>, op, rounded, factor, 1 / factor);
}

}  // namespace krait::cuda
