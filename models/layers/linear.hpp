// SPDX-License-Identifier: Apache-2.0
//
// The linear layer: the one place where a weight matrix meets activations. All projections and the head go through here.
#pragma once

#include "models/layers/layer_context.hpp"

namespace krait {

// The weights that a plan lists for a linear layer: W [rows, columns] in any format, and a bias [rows] that files may lack.
WeightSpec linear_weight(std::string name, int64_t rows, int64_t columns);
WeightSpec linear_bias(std::string name, int64_t rows);

// A low-rank addition to a weight (Hu et al. 2021, "LoRA", section 4.1): B A, where the caller has A x already.
struct Adapter {
    graph::TensorId x = graph::kNoTensor;  // A x [T, rank]; kNoTensor: there is none
    std::string_view weight = {};          // B [rows, rank], as the plan names it
};

struct LinearOperands {
    graph::TensorId x = graph::kNoTensor;  // [T, columns]
    std::string_view weight;               // as the plan names it: "ssm_in.weight"
    std::string_view bias = {};            // empty: none
    graph::TensorId residual = graph::kNoTensor;
    Adapter adapter = {};
};
// W x + B A x + bias + residual: [T, rows]. `node` is the node's name in the layer.
graph::TensorId linear(LayerContext& layer, std::string_view node, const LinearOperands& operands);

}  // namespace krait
