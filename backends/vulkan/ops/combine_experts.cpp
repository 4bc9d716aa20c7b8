// SPDX-License-Identifier: Apache-2.0
#include "core/ops/combine_experts.hpp"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/combine_experts_params.h"

namespace krait::vulkan {

void combine_experts(const ops::CombineExperts::In<Tensor>& in, const ops::CombineExperts::Params&,
                     const ops::CombineExperts::Out<Tensor>& out, Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const auto n_row = static_cast<uint64_t>(out.y.extent(0)), n_col = static_cast<uint64_t>(out.y.extent(1));
    if (n_row == 0 || n_col == 0) return;
    CombineExpertsParams params{.x = rows(in.x), .weights = rows(in.weights), .y = rows(out.y), .base = rows(in.base)};
    const uint64_t all =
        params.x.address | params.x.stride | params.y.address | params.y.stride | params.base.address | params.base.stride;
    const uint32_t vector = all % 16 == 0 && n_col % 4 == 0 ? 4 : 1;
    params.n_used = static_cast<uint32_t>(in.x.extent(1));
    params.n_col = static_cast<uint32_t>(n_col);
    params.groups_per_row = static_cast<uint32_t>((n_col / vector + kLanes - 1) / kLanes);
    params.n_groups = n_row * params.groups_per_row;
    recorder.dispatch({shaders::combine_experts, {kLanes, 1, vector, uint32_t{bool{in.base}}}}, params,
                      recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
