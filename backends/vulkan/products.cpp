// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/products.hpp"

#include <algorithm>
#include <optional>

#include "backends/vulkan/packed_weights.hpp"
#include "backends/vulkan/shaders/rounded_rows.h"

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

// A kernel with what a work group of it computes.
struct ProductKernel {
    Kernel kernel;
    uint32_t outputs, tokens;
};

ProductKernel tiled(const vk::Shader& shader, uint32_t packing, uint32_t routing, const Recorder& recorder) {
    constexpr uint32_t kLaneOutputs = 8, kLaneTokens = 4;
    return {
        {shader,
         {kTile / kLaneOutputs * (kTile / kLaneTokens), recorder.subgroup_size(), packing, kLaneOutputs, kLaneTokens, routing}},
        kTile,
        kTile};
}

// The kernel for cooperative matrices; none where the device cannot run it.
std::optional<ProductKernel> matrix_tiled(uint32_t packing, uint32_t routing, bool rounded, const Recorder& recorder) {
    static_assert(kTile == vk::kMatrixTile);
    constexpr uint32_t kLanes = vk::kMatrixLanes;                                         // a half loads weights, a half x
    constexpr uint32_t kSharedBytes = kTile * (kTile + 4) * 4 + (3 + 4 + 2) * kTile * 4;  // as the shader declares it
    const auto& shape = recorder.matrices();
    if (!shape || recorder.limits().maxComputeSharedMemorySize < kSharedBytes) return std::nullopt;
    const auto own = vk::deal_tile(*shape, kTile, kLanes / recorder.subgroup_size());
    if (!own) return std::nullopt;
    return ProductKernel{{shaders::mul_mat_matrix_tiled,
                          {kLanes, recorder.subgroup_size(), packing, shape->m, shape->n, shape->k, own->rows, own->columns,
                           uint32_t{rounded}, routing}},
                         kTile,
                         kTile};
}

// Of products in integers.
ProductKernel dot_kernel(uint32_t packing, const Product& product, const Recorder& recorder) {
    if (product.n_same >= kTiledTokens) {
        if (const auto matrices = matrix_tiled(packing, product.routing, true, recorder)) return *matrices;
        return tiled(shaders::mul_mat_dot_tiled, packing, product.routing, recorder);
    }
    const Shape shape = gpu_shape(product.n_same, recorder.max_lanes());
    return {{shaders::mul_mat_dot,
             {shape.lanes * shape.slices, recorder.subgroup_size(), packing, shape.tokens, shape.slices, product.routing}},
            shape.lanes,
            shape.tokens};
}

ProductKernel float_kernel(uint32_t packing, const Product& product, const Recorder& recorder) {
    const uint32_t code = KRAIT_PACKING_CODE(packing);
    if (product.n_same >= kTiledTokens && (code == KRAIT_INTEGERS || code == KRAIT_HALVES))
        if (const auto matrices = matrix_tiled(packing, product.routing, false, recorder)) return *matrices;
    if (!recorder.is_cpu() && product.n_same >= kTiledTokens && recorder.limits().maxComputeSharedMemorySize >= kTileBytes)
        return tiled(shaders::mul_mat_tiled, packing, product.routing, recorder);

    const Shape shape = recorder.is_cpu() ? processor_shape(product.n_same, recorder.subgroup_size())
                                          : gpu_shape(product.n_same, recorder.max_lanes());
    const MulMatParams& of = product.params;
    const bool vectors = of.n_in % KRAIT_UNIT == 0 && (of.x.address | of.x.stride | of.x_step) % 16 == 0;
    const bool texels = shape.shared && product.w.texels() && product.x.texels();
    return {{texels ? shaders::mul_mat_texels : shaders::mul_mat,
             {shape.lanes * shape.slices, recorder.subgroup_size(), packing, shape.outputs, shape.tokens, shape.slices,
              uint32_t{shape.shared}, uint32_t{vectors && (texels || !shape.shared)}, product.routing},
             texels ? vk::TexelBuffers{product.w.texels(), product.x.texels()} : vk::TexelBuffers{}},
            shape.lanes * shape.outputs,
            shape.tokens};
}

// x is rounded once, whatever the number of rows, so that a prompt and single tokens meet the same numbers.
void round_activations(Product& product, uint32_t packing, Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    MulMatParams& of = product.params;
    const uint64_t row_bytes = uint64_t{of.w.n_units} * KRAIT_ROUNDED_BYTES;
    const uint32_t n_used = of.x_step > 0 ? of.n_used : 1;
    const vk::AddressRange rounded = recorder.scratch(std::max<uint64_t>(product.n_row * row_bytes, 1));
    const RoundParams rounding{.x = of.x,
                               .rounded = {rounded.begin, row_bytes},
                               .x_step = of.x_step,
                               .n_tasks = product.n_row * of.w.n_units,
                               .n_units = of.w.n_units,
                               .n_used = n_used};
    recorder.dispatch({shaders::round_activations, {kLanes, recorder.subgroup_size(), KRAIT_PACKING_LOW(packing)}}, rounding,
                      recorder.groups(up(rounding.n_tasks, kLanes)));
    of.x = {rounded.begin, row_bytes * n_used};
    of.x_step = of.x_step > 0 ? row_bytes : 0;
}

}  // namespace

void record_product(Product product, Recorder& recorder) {
    const uint32_t packing = packing_of(product.dtype);
    const bool in_integers = recorder.integer_dot() && KRAIT_PACKING_CODE(packing) == KRAIT_INTEGERS;
    MulMatParams& params = product.params;
    if (in_integers) round_activations(product, packing, recorder);
    const ProductKernel chosen =
        in_integers ? dot_kernel(packing, product, recorder) : float_kernel(packing, product, recorder);
    params.w_origin = product.w.block_address();
    params.x_origin = product.x.block_address();
    params.row_groups = static_cast<uint32_t>(up(params.n_out, chosen.outputs));
    params.n_groups = params.row_groups * product.n_tile(chosen.tokens, params);
    recorder.dispatch(chosen.kernel, params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
