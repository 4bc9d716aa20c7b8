// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <algorithm>
#include <optional>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/mul_mat_params.h"
#include "backends/vulkan/packed_weights.hpp"
#include "backends/vulkan/shaders/rounded_rows.h"
#include "core/ops/mul_mat.hpp"

namespace krait::vulkan {
namespace {

struct Shape {
    uint32_t lanes;    // outputs side by side; a multiple of KRAIT_PANEL_ROWS
    uint32_t slices;   // of the columns
    uint32_t outputs;  // a lane
    uint32_t tokens;   // a lane
    bool shared;       // lanes load x together
};

// A processor that plays GPU runs the lanes of a subgroup as one vector register. Each load of a lane is a handful of scalar
// instructions there and a shuffle by a constant is one, so x is loaded together and weights are used for several rows; work
// groups of one subgroup need no barriers. 4 outputs: x costs a quarter. 16 tokens: sums that registers do not hold are touched
// once in 8 products.
Shape processor_shape(uint64_t n_tok, uint32_t subgroup_size) {
    const bool shared = subgroup_size >= KRAIT_PANEL_ROWS;
    const uint32_t tokens = n_tok == 1 ? 1 : n_tok <= 4 ? 4 : n_tok <= 8 || !shared ? 8 : 16;
    return {shared ? subgroup_size : KRAIT_PANEL_ROWS, 1, 4, tokens, shared};
}

// Lanes are cheap, latency is not: 8 slices of the columns side by side give 1,536 outputs 12,288 lanes, each with up to four
// loads of 16 bytes in flight. x comes from one address for all lanes, which is one transaction and mostly a cache's.
Shape gpu_shape(uint64_t n_tok, uint32_t max_lanes) {
    constexpr uint32_t kLanes = 32, kSlices = 8;
    return {kLanes, std::min(kSlices, max_lanes / kLanes), 1, n_tok == 1 ? 1u : n_tok <= 4 ? 4u : 8u, false};
}

// From here on a GPU is bound by arithmetic rather than by reading weights twice.
constexpr uint64_t kTiledTokens = 17;
constexpr uint32_t kTile = 64, kTileBytes = KRAIT_UNIT * (kTile + kTile + 4) * 4;

constexpr uint64_t up(uint64_t n, uint64_t d) { return (n + d - 1) / d; }

void record_tiles(const Kernel& kernel, MulMatParams params, Recorder& recorder) {
    params.row_groups = static_cast<uint32_t>(up(params.n_out, kTile));
    params.n_groups = params.row_groups * up(params.n_tok, kTile);
    recorder.dispatch(kernel, params, recorder.groups(params.n_groups));
}

void record_tiled(const vk::Shader& shader, MulMatParams params, uint32_t packing, Recorder& recorder) {
    constexpr uint32_t kLaneOutputs = 8, kLaneTokens = 4;
    record_tiles(
        {shader, {kTile / kLaneOutputs * (kTile / kLaneTokens), recorder.subgroup_size(), packing, kLaneOutputs, kLaneTokens}},
        params, recorder);
}

// The kernel for cooperative matrices; none where the device cannot run it.
std::optional<Kernel> matrix_kernel(const Recorder& recorder, uint32_t packing, bool rounded) {
    static_assert(kTile == vk::kMatrixTile);
    constexpr uint32_t kLanes = vk::kMatrixLanes;                                         // a half loads weights, a half x
    constexpr uint32_t kSharedBytes = kTile * (kTile + 4) * 4 + (3 + 4 + 2) * kTile * 4;  // as the shader declares it
    const auto& shape = recorder.matrices();
    if (!shape || recorder.limits().maxComputeSharedMemorySize < kSharedBytes) return std::nullopt;
    const auto own = vk::deal_tile(*shape, kTile, kLanes / recorder.subgroup_size());
    if (!own) return std::nullopt;
    return Kernel{
        shaders::mul_mat_matrix_tiled,
        {kLanes, recorder.subgroup_size(), packing, shape->m, shape->n, shape->k, own->rows, own->columns, uint32_t{rounded}}};
}

// In integers: x is rounded once, whatever the number of rows, so that a prompt and single tokens meet the same numbers.
void record_dot(MulMatParams params, uint32_t packing, Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const uint64_t row_bytes = uint64_t{params.w.n_units} * KRAIT_ROUNDED_BYTES;
    const vk::AddressRange rounded = recorder.scratch(std::max<uint64_t>(params.n_tok * row_bytes, 1));
    const RoundParams rounding{.x = params.x,
                               .rounded = {rounded.begin, row_bytes},
                               .n_tasks = uint64_t{params.n_tok} * params.w.n_units,
                               .n_units = params.w.n_units};
    recorder.dispatch({shaders::round_activations, {kLanes, recorder.subgroup_size(), KRAIT_PACKING_LOW(packing)}}, rounding,
                      recorder.groups(up(rounding.n_tasks, kLanes)));
    params.x = rounding.rounded;
    if (params.n_tok >= kTiledTokens) {
        if (const auto kernel = matrix_kernel(recorder, packing, true)) return record_tiles(*kernel, params, recorder);
        return record_tiled(shaders::mul_mat_dot_tiled, params, packing, recorder);
    }
    const Shape shape = gpu_shape(params.n_tok, recorder.max_lanes());
    params.row_groups = static_cast<uint32_t>(up(params.n_out, shape.lanes));
    params.n_groups = params.row_groups * up(params.n_tok, shape.tokens);
    recorder.dispatch(
        {shaders::mul_mat_dot, {shape.lanes * shape.slices, recorder.subgroup_size(), packing, shape.tokens, shape.slices}},
        params, recorder.groups(params.n_groups));
}

}  // namespace

void mul_mat(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Params&, const ops::MulMat::Out<Tensor>& out,
             Recorder& recorder) {
    const auto n_tok = static_cast<uint64_t>(in.x.extent(0)), n_in = static_cast<uint64_t>(in.x.extent(1)),
               n_out = static_cast<uint64_t>(in.w.extent(0));
    if (n_tok == 0 || n_out == 0) return;
    if (n_tok > UINT32_MAX / 2 || n_in > UINT32_MAX / 2 || n_out > UINT32_MAX / 2)
        plugin::throw_error(ErrorCode::unsupported, "{} rows of {} and {} outputs: at most 2^31 of each", n_tok, n_in, n_out);
    MulMatParams params{.w = packed_shape(in.w.desc), .x = rows(in.x), .residual = rows(in.residual), .y = rows(out.y)};
    params.w.address = address(in.w);
    params.bias = address(in.bias);
    params.n_tok = static_cast<uint32_t>(n_tok);
    params.n_in = static_cast<uint32_t>(n_in);
    params.n_out = static_cast<uint32_t>(n_out);
    const uint32_t packing = packing_of(in.w.dtype());
    const uint32_t code = KRAIT_PACKING_CODE(packing);
    if (recorder.integer_dot() && code == KRAIT_INTEGERS) return record_dot(params, packing, recorder);
    if (n_tok >= kTiledTokens && (code == KRAIT_INTEGERS || code == KRAIT_HALVES))
        if (const auto kernel = matrix_kernel(recorder, packing, false)) return record_tiles(*kernel, params, recorder);
    if (!recorder.is_cpu() && n_tok >= kTiledTokens && recorder.limits().maxComputeSharedMemorySize >= kTileBytes)
        return record_tiled(shaders::mul_mat_tiled, params, packing, recorder);

    const Shape shape =
        recorder.is_cpu() ? processor_shape(n_tok, recorder.subgroup_size()) : gpu_shape(n_tok, recorder.max_lanes());
    const bool vectors = n_in % KRAIT_UNIT == 0 && (params.x.address | params.x.stride) % 16 == 0;
    params.row_groups = static_cast<uint32_t>(up(n_out, uint64_t{shape.lanes} * shape.outputs));
    params.n_groups = params.row_groups * up(n_tok, shape.tokens);
    const vk::Memory &w = memory_buffer(*in.w.buffer).memory(), &x = memory_buffer(*in.x.buffer).memory();
    params.w_origin = w.block_address();
    params.x_origin = x.block_address();
    const bool texels = shape.shared && w.texels() && x.texels();
    recorder.dispatch({texels ? shaders::mul_mat_texels : shaders::mul_mat,
                       {shape.lanes * shape.slices, recorder.subgroup_size(), packing, shape.outputs, shape.tokens,
                        shape.slices, uint32_t{shape.shared}, uint32_t{vectors && (texels || !shape.shared)}},
                       texels ? vk::TexelBuffers{w.texels(), x.texels()} : vk::TexelBuffers{}},
                      params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
