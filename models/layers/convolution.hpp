// SPDX-License-Identifier: Apache-2.0
//
// The short causal convolution along a sequence (core/ops/ssm_conv.hpp), with the last rows of its input as memory.
#pragma once

#include "models/layers/layer_context.hpp"

namespace krait {

struct Convolution {
    int64_t channels = 0;
    int64_t d_conv = 0;                      // taps
    std::string_view name = "conv";          // of the node and the memory; a layer with several names each
    std::string_view weight = "ssm_conv1d";  // "ssm_conv1d.weight", and "ssm_conv1d.bias" where the file has it
    ops::Activation activation = ops::Activation::silu;

    std::vector<WeightSpec> weights() const;
    MemorySpec memory() const;
    // x [T, channels] -> [T, channels]
    graph::TensorId build(LayerContext& layer, graph::TensorId x) const;
};

}  // namespace krait
