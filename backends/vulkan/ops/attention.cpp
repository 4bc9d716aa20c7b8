// SPDX-License-Identifier: Apache-2.0
#include "core/ops/attention.hpp"

#include <algorithm>
#include <bit>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/attention_params.h"
#include "backends/vulkan/shaders/cache_format.h"

namespace krait::vulkan {
namespace {

constexpr uint64_t up(uint64_t n, uint64_t d) { return (n + d - 1) / d; }

// How a work group is used.
struct Shape {
    uint32_t lanes;
    uint32_t pairs;          // of columns of a value, a lane
    uint32_t unrolled;       // places whose values it adds in a turn
    uint32_t heads, tokens;  // whose products share what is read of the cache
    uint32_t rows() const { return std::bit_ceil(heads * tokens); }
};

Shape shape_of(const Recorder& recorder, const AttentionParams& of) {
    Shape shape{};
    shape.lanes = recorder.subgroups() ? recorder.subgroup_size() : recorder.is_cpu() ? 8 : 32;
    shape.pairs = static_cast<uint32_t>(up(up(of.v_dim, 2), shape.lanes));
    // Loads of a turn: enough to be in flight together, and no more code than that.
    constexpr uint32_t kLoads = 16;
    shape.unrolled = std::clamp(std::bit_floor(kLoads / shape.pairs), 1u, std::min(shape.lanes, 8u));
    // Sums that a lane has registers for; a processor puts more of them on its stack and gains by it. Its compiler takes long
    // for many rows.
    const uint32_t max_sums = recorder.is_cpu() ? 128 : 64, max_tile_rows = recorder.is_cpu() ? 8 : 16;
    const uint32_t max_rows = std::clamp(max_sums / (2 * shape.pairs), 1u, max_tile_rows);
    const uint64_t head_blocks = up(of.heads_per_key, max_rows), tokens_of_sequence = up(of.n_tok, of.n_seq);
    shape.heads = static_cast<uint32_t>(up(of.heads_per_key, head_blocks));
    shape.tokens = static_cast<uint32_t>(std::clamp<uint64_t>(tokens_of_sequence, 1, max_rows / shape.heads));
    return shape;
}

// Places of a part: what a work group walks down. n_groups: work groups for one part of all.
uint64_t part_places(const Recorder& recorder, const AttentionParams& of, const Shape& shape, uint64_t n_places,
                     uint64_t n_groups) {
    // lavapipe leaves the loops of a shader after 65535 turns in all, and a GPU's driver ends what takes long.
    constexpr uint64_t kMaxTurns = 60000;
    const uint64_t turns_of_block = up(of.k_dim, 8) + shape.lanes / shape.unrolled + 1;
    const uint64_t max_positions =
        kMaxTurns / (recorder.subgroups() ? turns_of_block : turns_of_block + 2 * shape.lanes * shape.rows()) * shape.lanes;
    // A large GPU wants some hundreds of work groups, and of each more than a few blocks; a processor has few cores.
    constexpr uint64_t kGroups = 512, kMinBlocks = 4;
    const uint64_t wanted = recorder.is_cpu() ? n_places : up(n_places, up(kGroups, n_groups));
    // What a lane adds up in a row, with which the error of float32 sums grows: 10,000 places in one part have an NMSE of
    // 3.4e-12.
    constexpr uint64_t kMaxPositions = 2048;
    return std::clamp(up(wanted, shape.lanes) * shape.lanes, kMinBlocks * shape.lanes, std::min(max_positions, kMaxPositions));
}

bool has_vectors(const AttentionParams& of, DType dtype) {
    if ((of.q.address | of.q.stride) % 16 != 0 || of.k_dim % 8 != 0) return false;
    return dtype == DType::Q8_0 || (of.cache.stride % 16 == 0 && of.v_dim % 2 == 0 && of.v_column % 2 == 0);
}

}  // namespace

void attention(const ops::Attention::In<Tensor>& in, const ops::Attention::Params& op, const ops::Attention::Out<Tensor>& out,
               Recorder& recorder) {
    constexpr uint64_t kMaxPartialBytes = uint64_t{64} << 20;
    constexpr uint32_t kMergeLanes = 64;
    const auto n_tok = static_cast<uint64_t>(in.q.extent(0));
    if (n_tok == 0 || in.q.extent(1) == 0) return;
    AttentionParams params{.q = rows(in.q), .y = rows(out.y), .cache = rows_of_pages(in.cache)};
    params.page_table = address(in.page_table);
    params.positions = address(in.positions);
    params.seq_start = address(in.seq_start);
    params.n_tok = static_cast<uint32_t>(n_tok);
    params.n_seq = static_cast<uint32_t>(in.page_table.extent(0));
    params.table_width = static_cast<uint32_t>(in.page_table.extent(1));
    params.rows_per_page = static_cast<uint32_t>(in.cache.extent(1));
    params.n_head = static_cast<uint32_t>(in.q.extent(1));
    params.n_kv_head = static_cast<uint32_t>(op.n_kv_head);
    params.heads_per_key = params.n_head / params.n_kv_head;
    params.k_dim = static_cast<uint32_t>(in.q.extent(2));
    params.v_dim = static_cast<uint32_t>(op.v_dim);
    params.v_column = static_cast<uint32_t>(op.v_column);
    params.window = static_cast<uint32_t>(op.window);
    params.scale = op.scale;
    params.soft_cap = op.soft_cap;

    const Shape shape = shape_of(recorder, params);
    params.heads = shape.heads;
    params.tokens = shape.tokens;
    params.head_blocks = static_cast<uint32_t>(up(params.heads_per_key, shape.heads));
    const auto groups_of = [&](uint64_t n_row) {
        return (n_row / shape.tokens + params.n_seq) * params.n_kv_head * params.head_blocks;
    };
    const uint64_t n_places = std::max<uint64_t>(uint64_t{params.table_width} * params.rows_per_page, 1),
                   places = part_places(recorder, params, shape, n_places, groups_of(n_tok));
    params.part_places = static_cast<uint32_t>(places);
    params.n_part = static_cast<uint32_t>(up(n_places, places));
    const bool in_parts = params.n_part > 1;
    const bool shared = recorder.is_cpu() && recorder.subgroups() && shape.lanes >= 8;
    const Kernel kernel{
        shaders::attention,
        {shape.lanes, recorder.subgroup_size(), cache_format(in.cache.dtype()), shape.rows(), shape.pairs,
         uint32_t{has_vectors(params, in.cache.dtype())}, uint32_t{shared}, uint32_t{in_parts}, shape.unrolled}};
    if (!in_parts) {
        params.n_groups = groups_of(n_tok);
        return recorder.dispatch(kernel, params, recorder.groups(params.n_groups));
    }
    // As many rows at a time as the results of their parts find room.
    const uint64_t row_bytes = uint64_t{params.n_head} * params.n_part * (params.v_dim + 2) * 4,
                   n_row = std::clamp<uint64_t>(kMaxPartialBytes / row_bytes, 1, n_tok);
    params.partial = recorder.scratch(n_row * row_bytes).begin;
    for (uint64_t first = 0; first < n_tok; first += n_row) {
        params.first_tok = static_cast<uint32_t>(first);
        params.n_tok = static_cast<uint32_t>(std::min(n_row, n_tok - first));
        params.n_groups = groups_of(params.n_tok) * params.n_part;
        recorder.dispatch(kernel, params, recorder.groups(params.n_groups));
        recorder.dispatch({shaders::attention_merge, {kMergeLanes, 1}}, params,
                          recorder.groups(up(uint64_t{params.n_tok} * params.n_head * params.v_dim, kMergeLanes)));
    }
}

}  // namespace krait::vulkan
