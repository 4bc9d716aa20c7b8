// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/route_experts.cuh"

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/route_experts.hpp"

namespace krait::cuda {

void route_experts(const ops::RouteExperts::In<Tensor>& in, const ops::RouteExperts::Params& params,
                   const ops::RouteExperts::Out<Tensor>& out, Context& context) {
    RouteOperands op{};
    op.logits = input_rows<float>(in.logits);
    op.bias = input_elements<float>(in.bias);
    op.ids = output_rows<int32_t>(out.ids);
    op.weights = output_rows<float>(out.weights);
    op.n_expert = static_cast<int32_t>(in.logits.extent(1));
    op.k = params.k;
    op.n_group = params.n_group;
    op.n_group_used = params.n_group_used;
    op.softmax = params.gate == ops::ExpertGate::softmax;
    op.normalize = params.normalize != 0;
    op.sum_eps = params.sum_eps;
    op.scale = params.scale;
    launch(context.stream,
           {.name = "route_experts",
            .grid = {static_cast<uint32_t>(in.logits.extent(0))},
            .block = {kRouteBlock},
            .dynamic_shared = RouteMemory::bytes(op.n_expert, op.n_group, op.k)},
           &route_experts_kernel<>, op);
}

}  // namespace krait::cuda
