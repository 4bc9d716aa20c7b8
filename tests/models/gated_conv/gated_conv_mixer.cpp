// SPDX-License-Identifier: Apache-2.0
#include "tests/models/gated_conv/gated_conv_mixer.hpp"

#include "models/layers/linear.hpp"

namespace krait {

using graph::TensorId;

GatedConvMixer::GatedConvMixer(const GatedConvSizes& sizes)
    : sizes_(sizes),
      gate_{.channels = sizes.d_inner, .d_conv = sizes.d_conv, .name = "conv_gate", .weight = "conv_gate"},
      value_{.channels = sizes.d_inner,
             .d_conv = sizes.d_conv,
             .name = "conv_value",
             .weight = "conv_value",
             .activation = ops::Activation::none} {}

std::vector<WeightSpec> GatedConvMixer::weights() const {
    std::vector<WeightSpec> specs{linear_weight("conv_in.weight", 2 * sizes_.d_inner, sizes_.d_model)};
    for (const Convolution& conv : {gate_, value_})
        for (WeightSpec& spec : conv.weights()) specs.push_back(std::move(spec));
    specs.push_back(linear_weight("conv_out.weight", sizes_.d_model, sizes_.d_inner));
    return specs;
}

TensorId GatedConvMixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    graph::GraphBuilder& b = layer.builder();
    const TensorId ab = linear(layer, "in", {.x = x, .weight = "conv_in.weight"});
    const TensorId gate = gate_.build(layer, b.columns(layer.name("a"), ab, 0, sizes_.d_inner));
    const TensorId value = value_.build(layer, b.columns(layer.name("b"), ab, sizes_.d_inner, sizes_.d_inner));
    const TensorId y = b.op<ops::Mul>(layer.name("gated"), {.a = gate, .b = value}).y;
    return linear(layer, "out", {.x = y, .weight = "conv_out.weight", .residual = residual});
}

}  // namespace krait
