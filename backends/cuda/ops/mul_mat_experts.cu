// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/mul_mat_experts.cuh"

#include <algorithm>

#include "backends/cuda/ops/mul_mat.hpp"
#include "core/ops/mul_mat_experts.hpp"

namespace krait::cuda {
namespace {

PairOperands pair_operands(const ops::MulMatExperts::In<Tensor>& in, const ops::MulMatExperts::Out<Tensor>& out) {
    const auto n_used = static_cast<int32_t>(in.ids.extent(1));
    PairOperands op{};
    op.n_expert = static_cast<int32_t>(in.w.extent(0));
    op.n_out = in.w.extent(1);
    op.n_in = in.w.extent(2);
    op.x = {input_rows<float>(in.x), n_used, in.x.desc.rank == 3 ? op.n_in : 0};
    op.w = planes_of(in.w);
    op.ids = {input_rows<int32_t>(in.ids), n_used, 1};
    op.y = {output_rows<float>(out.y), n_used, op.n_out};
    return op;
}

// The pairs of a run sorted by expert, in scratch memory.
struct SortedPairs {
    ExpertOrder order;
    uint64_t bytes;  // of scratch memory that are taken

    ExpertOperands operands(const PairOperands& pairs) const {
        ExpertOperands op{};
        op.x = {pairs.x, order.order};
        op.w = pairs.w;
        op.y = {pairs.y, order.order};
        op.n_in = pairs.n_in;
        op.n_out = pairs.n_out;
        return op;
    }
};

SortedPairs launch_sort(const PairOperands& pairs, int64_t n_pair, int32_t tile_rows, Context& context) {
    SortedPairs sorted{};
    ExpertOrder& order = sorted.order;
    order.ids = pairs.ids;
    order.n_pair = n_pair;
    order.n_expert = pairs.n_expert;
    order.tile_rows = tile_rows;
    // Each expert, and the pairs of none, has at most one tile that is not full.
    const int64_t n_bin = int64_t{pairs.n_expert} + 1;
    order.n_tile = static_cast<int32_t>(n_pair / tile_rows + std::min(n_bin, n_pair));
    const auto start_bytes = static_cast<uint64_t>(n_bin + 1) * sizeof(int32_t),
               order_bytes = static_cast<uint64_t>(n_pair) * sizeof(int32_t),
               tile_bytes = static_cast<uint64_t>(order.n_tile) * sizeof(ExpertTile);
    sorted.bytes = (start_bytes + order_bytes + tile_bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::byte* memory = context.scratch(sorted.bytes);
    order.start = reinterpret_cast<int32_t*>(memory);
    order.order = reinterpret_cast<int32_t*>(memory + start_bytes);
    order.tiles = reinterpret_cast<ExpertTile*>(memory + start_bytes + order_bytes);
    launch(context.stream,
           {.name = "count_experts",
            .grid = {1},
            .block = {kCountBlock},
            .dynamic_shared = static_cast<size_t>(n_bin) * sizeof(int32_t)},
           &count_experts_kernel<>, order);
    launch(context.stream, {.name = "sort_experts", .grid = {static_cast<uint32_t>(n_bin)}, .block = {kSortBlock}},
           &sort_experts_kernel<>, order);
    return sorted;
}

template <class Block, int kTiles, bool kSplit>
void launch_experts_mma(const PairOperands& pairs, int64_t n_tok, Context& context) {
    using Step = MmaStep<Block, kTiles, kSplit>;
    constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    const int64_t n_pair = n_tok * pairs.ids.n_used;
    const SortedPairs sorted = launch_sort(pairs, n_pair, Step::kTok, context);
    const RoundedRows rounded =
        pairs.x.apart == 0
            ? launch_round_rows<kBf16, kSplit, 0>(pairs.x.rows, n_tok, pairs.n_in, has_minima<Block>(), context, sorted.bytes)
            : launch_round_rows<kBf16, kSplit, 0>(pairs.x, n_pair, pairs.n_in, has_minima<Block>(), context, sorted.bytes);
    launch(context.stream,
           {.name = "mul_mat_experts_mma",
            .grid = {static_cast<uint32_t>(sorted.order.n_tile), blocks_for(pairs.n_out, kMmaOut)},
            .block = {kMmaBlock},
            .dynamic_shared = 2 * sizeof(Step)},
           &mul_mat_experts_mma_kernel<Block, kTiles, kSplit>, sorted.operands(pairs), rounded, sorted.order.tiles,
           pairs.n_expert);
}

template <class Block>
void launch_experts_tiles(const PairOperands& pairs, int64_t n_tok, Context& context) {
    const SortedPairs sorted = launch_sort(pairs, n_tok * pairs.ids.n_used, kTileTok, context);
    launch(context.stream,
           {.name = "mul_mat_experts_tiles",
            .grid = {static_cast<uint32_t>(sorted.order.n_tile), blocks_for(pairs.n_out, kTileOut)},
            .block = {kTileBlock}},
           &mul_mat_experts_tiles_kernel<Block>, sorted.operands(pairs), sorted.order.tiles, pairs.n_expert);
}

// As launch_mul_mat_mma has it, for the rows that an expert gets if all get as many.
template <class Block>
void launch_experts_mma(const PairOperands& pairs, int64_t n_tok, Context& context) {
    constexpr bool kBf16 = std::is_same_v<Block, BlockBF16>;
    constexpr int64_t kMaxSplitRows = 32;
    constexpr int kLargeTile = kBf16 ? 4 : 8;
    if (n_tok * pairs.ids.n_used > kMaxSplitRows * pairs.n_expert && context.stream.gpu().is_sm80())
        return launch_experts_mma<Block, kLargeTile, kBf16>(pairs, n_tok, context);
    launch_experts_mma<Block, 2, true>(pairs, n_tok, context);
}

}  // namespace

void mul_mat_experts(const ops::MulMatExperts::In<Tensor>& in, const ops::MulMatExperts::Params&,
                     const ops::MulMatExperts::Out<Tensor>& out, Context& context) {
    const PairOperands pairs = pair_operands(in, out);
    const int64_t n_tok = in.ids.extent(0), n_pair = n_tok * pairs.ids.n_used;
    if (n_pair == 0) return;
    visit_block(in.w.dtype(), [&]<class Block>() {
        if (n_tok <= kMaxVectorRows)
            return launch(context.stream,
                          {.name = "mul_mat_pairs",
                           .grid = {blocks_for(pairs.n_out, kVectorRowsOfBlock), static_cast<uint32_t>(n_pair)},
                           .block = {kVectorBlock}},
                          &mul_mat_pairs_kernel<Block>, pairs);
        if constexpr (std::is_same_v<Block, BlockF32>) {
            launch_experts_tiles<Block>(pairs, n_tok, context);
        } else {
            if constexpr (std::is_same_v<Block, BlockBF16>)
                if (!context.stream.gpu().is_sm80()) return launch_experts_tiles<Block>(pairs, n_tok, context);
            launch_experts_mma<Block>(pairs, n_tok, context);
        }
    });
}

}  // namespace krait::cuda
