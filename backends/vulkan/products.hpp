// SPDX-License-Identifier: Apache-2.0
//
// Records products of rows of x with packed weights: what mul_mat and mul_mat_experts share.
#pragma once

#include <functional>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/mul_mat_params.h"

namespace krait::vulkan {

struct Product {
    MulMatParams params;  // without row_groups, n_groups and the origins of texels
    DType dtype;          // of the weights
    uint32_t routing = KRAIT_ROUTING_NONE;
    uint64_t n_row = 0;   // of x
    uint64_t n_same = 0;  // rows that meet the same weights, about
    const vk::Memory& w;
    const vk::Memory& x;
    // Tiles of up to `tokens` rows that cover all of them; may record what finds them, and put its addresses into params.
    std::function<uint64_t(uint32_t tokens, MulMatParams& params)> n_tile;
};

void record_product(Product product, Recorder& recorder);

}  // namespace krait::vulkan
