// SPDX-License-Identifier: Apache-2.0
#include "core/ops/attention.hpp"

#include <algorithm>
#include <bit>

#include "backends/cuda/ops/attention_tiles.cuh"
#include "backends/cuda/ops/attention_vector.cuh"
#include "backends/cuda/ops/operands.hpp"

namespace krait::cuda {
namespace {

AttentionOperands attention_operands(const ops::Attention::In<Tensor>& in, const ops::Attention::Params& params,
                                     const ops::Attention::Out<Tensor>& out) {
    const DType dtype = in.cache.dtype();
    AttentionOperands op{};
    op.q = input_rows<float>(in.q);
    op.y = output_rows<float>(out.y);
    op.n_tok = static_cast<int32_t>(in.q.extent(0));
    op.n_head = static_cast<int32_t>(in.q.extent(1));
    op.k_dim = static_cast<int32_t>(in.q.extent(2));
    op.v_dim = params.v_dim;
    op.heads_of_key = op.n_head / params.n_kv_head;
    op.cache = reinterpret_cast<const char*>(pool_of(in.cache).data());
    op.row_bytes = row_bytes(dtype, in.cache.extent(2));
    op.key_bytes = row_bytes(dtype, op.k_dim);
    op.first_value = row_bytes(dtype, params.v_column);
    op.value_bytes = row_bytes(dtype, op.v_dim);
    op.page_table = input_elements<int32_t>(in.page_table);
    op.positions = input_elements<int32_t>(in.positions);
    op.seq_start = input_elements<int32_t>(in.seq_start);
    op.n_seq = static_cast<int32_t>(in.page_table.extent(0));
    op.table_width = static_cast<int32_t>(in.page_table.extent(1));
    op.rows_per_page = static_cast<int32_t>(in.cache.extent(1));
    op.window = params.window;
    op.scale = params.scale;
    op.soft_cap = params.soft_cap;
    return op;
}

// Whether all keys, or values, of a head begin at multiples of `size` bytes.
bool aligned_heads(const AttentionOperands& op, int64_t size, int64_t first, int64_t apart) {
    return op.row_bytes % size == 0 && first % size == 0 && apart % size == 0;
}

// Cuts a row's places into parts where n_block blocks are too few for a device; the number of blocks that share them.
uint32_t cut_into_parts(AttentionOperands& op, int64_t n_block, Context& context) {
    constexpr int64_t kManyBlocks = 1024;  // about eight for each multiprocessor of a large device
    constexpr int64_t kPartPlaces = 256;
    constexpr uint64_t kMaxScratch = uint64_t{64} << 20;
    const int64_t n_place = int64_t{op.table_width} * op.rows_per_page;
    const int64_t n_seen = op.window > 0 ? std::min<int64_t>(op.window, n_place) : n_place;
    op.part_places = ops::kMaxPositions;
    op.n_part = 1;
    if (n_block >= kManyBlocks || n_seen <= kPartPlaces) return 1;
    const auto n_rows = static_cast<uint64_t>(op.n_tok) * static_cast<uint64_t>(op.n_head);
    uint64_t n_result = 0;
    const auto bytes = [&] { return n_result * (static_cast<uint64_t>(op.v_dim) + 2) * sizeof(float); };
    for (int64_t places = kPartPlaces; places < 2 * n_place; places *= 2) {
        op.part_places = static_cast<int32_t>(places);
        op.n_part = static_cast<int32_t>((n_seen + places - 2) / places + 1);  // a window may begin anywhere in a part
        n_result = n_rows * static_cast<uint64_t>(op.n_part);
        if (bytes() <= kMaxScratch) break;
    }
    std::byte* memory = context.scratch(bytes());
    op.part_values = reinterpret_cast<float*>(memory);
    op.part_largest = op.part_values + n_result * static_cast<uint64_t>(op.v_dim);
    op.part_sum = op.part_largest + n_result;
    return static_cast<uint32_t>(std::clamp<int64_t>(2 * kManyBlocks / n_block, 1, op.n_part));
}

template <class Block, int kHeads, int kSlices>
void launch_vector(AttentionOperands op, VectorShape shape, Context& context) {
    using Work = AttentionVector<Block, kHeads, kSlices>;
    shape.chunks = static_cast<int32_t>(blocks_for(op.heads_of_key, kHeads));
    shape.slabs = static_cast<int32_t>(blocks_for(op.v_dim, Work::kSlab));
    const int64_t n_blocks = int64_t{op.n_head} / op.heads_of_key * shape.chunks * shape.slabs;
    const uint32_t n_part_blocks = cut_into_parts(op, op.n_tok * n_blocks, context);
    launch(context.stream,
           {.name = "attention_vector",
            .grid = {static_cast<uint32_t>(op.n_tok), static_cast<uint32_t>(n_blocks), n_part_blocks},
            .block = {kAttentionBlock},
            .dynamic_shared = Work::bytes(op.k_dim)},
           &attention_vector_kernel<Block, kHeads, kSlices>, op, shape);
    if (op.n_part > 1)
        launch(context.stream,
               {.name = "attention_merge",
                .grid = {static_cast<uint32_t>(op.n_tok), static_cast<uint32_t>(op.n_head)},
                .block = {kMergeBlock}},
               &attention_merge_kernel<>, op);
}

template <class Block>
void launch_vector(const AttentionOperands& op, Context& context) {
    constexpr int32_t kSlab = kAttentionBlock * kColumnsOfThread;
    VectorShape shape{};
    const auto pairs_of_columns = static_cast<uint32_t>(std::min(op.v_dim, kSlab) + 1) / kColumnsOfThread;
    shape.column_threads = static_cast<int32_t>(std::clamp(std::bit_ceil(pairs_of_columns), 16u, uint32_t{kAttentionBlock}));
    shape.key_vectors = op.k_dim % kPieceColumns == 0 && aligned_heads(op, 16, 0, op.key_bytes);
    shape.value_pairs = aligned_heads(op, 2 * static_cast<int64_t>(sizeof(Block)), op.first_value, op.value_bytes);
    // Rows of more columns are those of latent attention, whose heads all have the same keys.
    if (op.v_dim > kSlab) return launch_vector<Block, 8, 2>(op, shape, context);
    if (op.heads_of_key == 1) return launch_vector<Block, 1, 1>(op, shape, context);
    if (op.heads_of_key <= 4) return launch_vector<Block, 4, 1>(op, shape, context);
    launch_vector<Block, 8, 1>(op, shape, context);
}

template <int kDim, int kWarps, int kKeys>
void launch_tiles(const AttentionOperands& op, Context& context) {
    using Work = AttentionTiles<kDim, kWarps, kKeys>;
    static_assert(sizeof(typename Work::Memory) <= 99 * 1024, "what a block gets from sm_80 on");
    TileShape shape{};
    shape.heads = std::min(op.heads_of_key, Work::kRows);
    shape.chunks = static_cast<int32_t>(blocks_for(op.heads_of_key, shape.heads));
    shape.tokens = Work::kRows / shape.heads;
    launch(context.stream,
           {.name = "attention_tiles",
            .grid = {static_cast<uint32_t>(op.n_tok / shape.tokens + op.n_seq),
                     static_cast<uint32_t>(op.n_head / op.heads_of_key * shape.chunks)},
            .block = {Work::kThreads},
            .dynamic_shared = sizeof(typename Work::Memory)},
           &attention_tiles_kernel<kDim, kWarps, kKeys>, op, shape);
}

// Whether tiles of queries are full enough, if sequences are equally long, and the matrix unit can take the cache as it lies.
bool tiles_pay(const AttentionOperands& op, const Gpu& gpu) {
    constexpr int64_t kMinQueries = 32, kMinRows = 4;  // of a sequence
    return gpu.is_sm80() && op.n_tok >= kMinRows * op.n_seq && int64_t{op.n_tok} * op.heads_of_key >= kMinQueries * op.n_seq &&
           op.k_dim % 16 == 0 && op.v_dim % 8 == 0 && std::max(op.k_dim, op.v_dim) <= 256 &&
           aligned_heads(op, 16, 0, op.key_bytes) && aligned_heads(op, 16, op.first_value, op.value_bytes);
}

void launch_f16(const AttentionOperands& op, Context& context) {
    if (!tiles_pay(op, context.stream.gpu())) return launch_vector<BlockF16>(op, context);
    const int32_t dim = std::max(op.k_dim, op.v_dim);
    if (dim <= 64) return launch_tiles<64, 4, 32>(op, context);
    if (dim <= 128) return launch_tiles<128, 4, 32>(op, context);
    launch_tiles<256, 3, 16>(op, context);
}

}  // namespace

void attention(const ops::Attention::In<Tensor>& in, const ops::Attention::Params& params,
               const ops::Attention::Out<Tensor>& out, Context& context) {
    const AttentionOperands op = attention_operands(in, params, out);
    if (op.n_tok == 0) return;
    switch (in.cache.dtype()) {
        case DType::F16: return launch_f16(op, context);
        case DType::Q8_0: return launch_vector<BlockQ8_0>(op, context);
        default: return launch_vector<BlockF32>(op, context);
    }
}

}  // namespace krait::cuda
