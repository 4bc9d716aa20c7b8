// SPDX-License-Identifier: Apache-2.0
#include "models/layers/norm.hpp"

namespace krait {

WeightSpec norm_weight(std::string name, int64_t width) {
    return {.name = std::move(name), .extents = {width}, .uses = {use_of<ops::RmsNorm>(OpId::rms_norm, "weight")}};
}

WeightSpec head_norm_weight(std::string name, int64_t width, int64_t n_head) {
    WeightSpec spec = norm_weight(std::move(name), width * n_head);
    spec.repeats = n_head;
    return spec;
}

graph::TensorId norm(LayerContext& layer, std::string_view node, const NormOperands& operands) {
    return layer.builder()
        .op<ops::RmsNorm>(
            layer.name(node),
            {.x = operands.x, .weight = operands.weight.empty() ? graph::kNoTensor : layer.weight(operands.weight)},
            {.eps = operands.eps.value_or(layer.forward().norm_eps), .groups = static_cast<int32_t>(operands.groups)})
        .y;
}

}  // namespace krait
