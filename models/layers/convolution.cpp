// SPDX-License-Identifier: Apache-2.0
#include "models/layers/convolution.hpp"

namespace krait {

std::vector<WeightSpec> Convolution::weights() const {
    return {{.name = fmt::format("{}.weight", weight),
             .extents = {channels, d_conv},
             .uses = {use_of<ops::SsmConv>(OpId::ssm_conv, "w")}},
            {.name = fmt::format("{}.bias", weight),
             .extents = {channels},
             .optional = true,
             .uses = {use_of<ops::SsmConv>(OpId::ssm_conv, "bias")}}};
}

MemorySpec Convolution::memory() const {
    return {.name = std::string(name), .ops = {OpId::ssm_conv}, .extent = {d_conv - 1, channels, 1}, .rank = 2};
}

graph::TensorId Convolution::build(LayerContext& layer, graph::TensorId x) const {
    const ForwardContext& run = layer.forward();
    return layer.builder()
        .op<ops::SsmConv>(layer.name(name),
                          {.x = x,
                           .w = layer.weight(fmt::format("{}.weight", weight)),
                           .bias = layer.weight(fmt::format("{}.bias", weight)),
                           .state = layer.memory(name),
                           .seq_start = run.seq_start,
                           .src_slot = run.src_slot,
                           .dst_slot = run.dst_slot,
                           .snapshots = run.snapshots},
                          {.activation = activation})
        .y;
}

}  // namespace krait
