// SPDX-License-Identifier: Apache-2.0
//
// The root-mean-square norm, with the model's epsilon unless another one is given (core/ops/rms_norm.hpp).
#pragma once

#include <optional>

#include "models/layers/layer_context.hpp"

namespace krait {

WeightSpec norm_weight(std::string name, int64_t width);
// One weight [width] for the norm of each of `n_head` equal groups of a row.
WeightSpec head_norm_weight(std::string name, int64_t width, int64_t n_head);

struct NormOperands {
    graph::TensorId x = graph::kNoTensor;  // [T, width]
    std::string_view weight = {};          // as the plan names it; empty: none
    int64_t groups = 1;                    // equal parts of a row with a norm each
    std::optional<float> eps = {};         // absent: the model's
};
graph::TensorId norm(LayerContext& layer, std::string_view node, const NormOperands& operands);

}  // namespace krait
