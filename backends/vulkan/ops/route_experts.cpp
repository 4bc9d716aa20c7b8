// SPDX-License-Identifier: Apache-2.0
#include "core/ops/route_experts.hpp"

#include <algorithm>
#include <bit>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/route_experts_params.h"

namespace krait::vulkan {

void route_experts(const ops::RouteExperts::In<Tensor>& in, const ops::RouteExperts::Params& op,
                   const ops::RouteExperts::Out<Tensor>& out, Recorder& recorder) {
    RouteExpertsParams params{.logits = rows(in.logits), .ids = rows(out.ids), .weights = rows(out.weights)};
    params.bias = address(in.bias);
    params.n_row = static_cast<uint64_t>(in.logits.extent(0));
    params.n_expert = static_cast<uint32_t>(in.logits.extent(1));
    params.k = static_cast<uint32_t>(op.k);
    params.n_group = static_cast<uint32_t>(op.n_group);
    params.n_group_used = static_cast<uint32_t>(op.n_group_used);
    params.normalize = op.normalize != 0;
    params.sum_eps = op.sum_eps;
    params.scale = op.scale;
    // Few lanes make few subgroups, whose results meet twice for each of the k: lavapipe leaves a shader's loops after 65535
    // turns in all, and 16 experts a lane are not many.
    const uint32_t lanes = std::max<uint32_t>(64, recorder.subgroup_size());
    recorder.dispatch({shaders::route_experts,
                       {lanes, recorder.subgroup_size(), uint32_t{op.gate == ops::ExpertGate::sigmoid},
                        std::bit_ceil(params.n_expert), std::bit_ceil(params.n_group)}},
                      params, recorder.groups(params.n_row));
}

}  // namespace krait::vulkan
