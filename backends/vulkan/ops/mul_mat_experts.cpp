// SPDX-License-Identifier: Apache-2.0
#include "core/ops/mul_mat_experts.hpp"

#include <algorithm>
#include <bit>

#include "backends/vulkan/packed_weights.hpp"
#include "backends/vulkan/products.hpp"

namespace krait::vulkan {
namespace {

// Finds rows of the same expert, tiles of up to `tokens` of them. Gives the number of tiles that there may be, whatever the
// ids are: each of the experts that have rows has one that is not full.
uint64_t sort_by_expert(uint32_t tokens, MulMatParams& params, Recorder& recorder) {
    const uint64_t n_row = uint64_t{params.n_tok} * params.n_used, n_count = uint64_t{params.n_expert} + 1;
    const uint64_t n_tile = n_row / tokens + std::min(n_row, n_count);
    const uint64_t tiles_bytes = n_tile * sizeof(ExpertTile), order_bytes = n_row * 2 * sizeof(uint32_t);
    const uint64_t scratch = recorder.scratch(tiles_bytes + order_bytes + n_count * sizeof(uint32_t)).begin;
    params.tiles = scratch;
    params.order = scratch + tiles_bytes;
    SortByExpertParams sort{
        .ids = params.ids, .counts = params.order + order_bytes, .order = params.order, .tiles = params.tiles};
    sort.n_tok = params.n_tok;
    sort.n_used = params.n_used;
    sort.n_expert = params.n_expert;
    sort.n_tile = static_cast<uint32_t>(n_tile);
    sort.tokens = tokens;
    const uint32_t lanes = std::bit_floor(std::min<uint32_t>(recorder.max_lanes(), recorder.is_cpu() ? 64 : 512));
    recorder.dispatch({shaders::sort_by_expert, {lanes, 1}}, sort, {1, 1, 1});
    return n_tile;
}

}  // namespace

void mul_mat_experts(const ops::MulMatExperts::In<Tensor>& in, const ops::MulMatExperts::Params&,
                     const ops::MulMatExperts::Out<Tensor>& out, Recorder& recorder) {
    const auto n_tok = static_cast<uint64_t>(in.ids.extent(0)), n_used = static_cast<uint64_t>(in.ids.extent(1)),
               n_expert = static_cast<uint64_t>(in.w.extent(0)), n_out = static_cast<uint64_t>(in.w.extent(1)),
               n_in = static_cast<uint64_t>(in.w.extent(2));
    const uint64_t n_row = n_tok * n_used;
    if (n_row == 0 || n_out == 0) return;
    if (n_row > UINT32_MAX / 4 || n_in > UINT32_MAX / 4 || n_out > UINT32_MAX / 4 || n_expert > UINT32_MAX / 4)
        plugin::throw_error(ErrorCode::unsupported, "{} rows of {}, {} experts of {} outputs: at most 2^30 of each", n_row,
                            n_in, n_expert, n_out);
    const bool per_expert = in.x.desc.rank == 3;
    MulMatParams params{.w = packed_shape(in.w.desc), .x = rows(in.x), .y = rows(out.y)};
    params.w.address = address(in.w);
    params.expert_bytes = matrix_bytes(params.w);
    params.n_tok = static_cast<uint32_t>(n_tok);
    params.n_in = static_cast<uint32_t>(n_in);
    params.n_out = static_cast<uint32_t>(n_out);
    params.ids = rows(in.ids);
    params.x_step = per_expert ? n_in * sizeof(float) : 0;
    params.y_step = n_out * sizeof(float);
    params.n_expert = static_cast<uint32_t>(n_expert);
    params.n_used = static_cast<uint32_t>(n_used);
    // Few rows, or many experts for them: nearly each has an expert of its own.
    constexpr uint64_t kFewRows = 16;
    const bool sorted = n_row > kFewRows && 2 * n_row > n_expert;
    record_product(
        {.params = params,
         .dtype = in.w.dtype(),
         .routing = sorted ? KRAIT_ROUTING_SORTED : KRAIT_ROUTING_ONE_BY_ONE,
         .n_row = per_expert ? n_row : n_tok,
         .n_same = sorted ? std::max<uint64_t>(n_row / std::max<uint64_t>(n_expert, 1), 2) : 1,
         .w = memory_buffer(*in.w.buffer).memory(),
         .x = memory_buffer(*in.x.buffer).memory(),
         .n_tile = [&](uint32_t tokens, MulMatParams& of) { return sorted ? sort_by_expert(tokens, of, recorder) : n_row; }},
        recorder);
}

}  // namespace krait::vulkan
