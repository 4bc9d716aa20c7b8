// SPDX-License-Identifier: Apache-2.0
#include "models/layers/linear.hpp"

namespace krait {

WeightSpec linear_weight(std::string name, int64_t rows, int64_t columns) {
    return {.name = std::move(name),
            .extents = {rows, columns},
            .any_format = true,
            .uses = {use_of<ops::MulMat>(OpId::mul_mat, "w")}};
}

WeightSpec linear_bias(std::string name, int64_t rows) {
    return {.name = std::move(name), .extents = {rows}, .optional = true, .uses = {use_of<ops::MulMat>(OpId::mul_mat, "bias")}};
}

graph::TensorId linear(LayerContext& layer, std::string_view node, const LinearOperands& operands) {
    graph::TensorId residual = operands.residual;
    if (operands.adapter.x != graph::kNoTensor)
        residual = linear(layer, fmt::format("{}_adapter", node),
                          {.x = operands.adapter.x, .weight = operands.adapter.weight, .residual = residual});
    return layer.builder()
        .op<ops::MulMat>(layer.name(node), {.x = operands.x,
                                            .w = layer.weight(operands.weight),
                                            .bias = operands.bias.empty() ? graph::kNoTensor : layer.weight(operands.bias),
                                            .residual = residual})
        .y;
}

}  // namespace krait
