// SPDX-License-Identifier: Apache-2.0
//
// Records y = f(a, b), element by element (shaders/elementwise.glsl).
#pragma once

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/elementwise_params.h"

namespace krait::vulkan {

struct ElementFunction {
    float scale = 1.0f, bias = 0.0f;
    int64_t n_left = 0;
    std::vector<uint32_t> constants{};  // the shader's own, from constant_id 4 on
};

// b: one row for all where it has a single one and a has several; a itself where the op has one operand.
inline void record_elementwise(const vk::Shader& shader, const Tensor& a, const Tensor& b, const Tensor& y, Recorder& recorder,
                               const ElementFunction& function = {}) {
    constexpr uint32_t kGroupSize = 64, kSteps = 4;
    const auto n_row = static_cast<uint64_t>(a.extent(0)), n_col = static_cast<uint64_t>(y.inner_count());
    if (n_row == 0 || n_col == 0) return;
    ElementwiseParams params{.a = rows(a), .b = rows(b), .y = rows(y)};
    if (b.extent(0) == 1) params.b.stride = 0;
    const uint64_t all =
        params.a.address | params.a.stride | params.b.address | params.b.stride | params.y.address | params.y.stride;
    const uint32_t vector = all % 16 == 0 && n_col % 4 == 0 && function.n_left % 4 == 0 ? 4 : 1;
    const uint64_t per_group = uint64_t{kGroupSize} * kSteps * vector;
    params.n_col = static_cast<uint32_t>(n_col);
    params.groups_per_row = static_cast<uint32_t>((n_col + per_group - 1) / per_group);
    params.n_groups = n_row * params.groups_per_row;
    params.n_left = static_cast<uint32_t>(function.n_left);
    params.scale = function.scale;
    params.bias = function.bias;
    std::vector<uint32_t> constants{kGroupSize, 1, vector, kSteps};
    constants.insert(constants.end(), function.constants.begin(), function.constants.end());
    recorder.dispatch({shader, std::move(constants)}, params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
