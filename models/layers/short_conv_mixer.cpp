// SPDX-License-Identifier: Apache-2.0
#include "models/layers/short_conv_mixer.hpp"

#include "models/layers/linear.hpp"

namespace krait {

using graph::TensorId;

ShortConvMixer::ShortConvMixer(int64_t d_model, int64_t d_conv)
    : d_model_(d_model),
      conv_{.channels = d_model, .d_conv = d_conv, .weight = "shortconv.conv", .activation = ops::Activation::none} {}

std::vector<WeightSpec> ShortConvMixer::weights() const {
    std::vector<WeightSpec> specs{linear_weight("shortconv.in_proj.weight", 3 * d_model_, d_model_)};
    for (WeightSpec& spec : conv_.weights()) specs.push_back(std::move(spec));
    specs.push_back(linear_weight("shortconv.out_proj.weight", d_model_, d_model_));
    return specs;
}

TensorId ShortConvMixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    graph::GraphBuilder& b = layer.builder();
    const auto name = [&](std::string_view what) { return layer.name(what); };
    const TensorId in = linear(layer, "in", {.x = x, .weight = "shortconv.in_proj.weight"});
    const auto part = [&](const char* which, int64_t i) { return b.columns(name(which), in, i * d_model_, d_model_); };
    const TensorId u = b.op<ops::Mul>(name("Bx"), {.a = part("B", 0), .b = part("x", 2)}).y;
    const TensorId y = b.op<ops::Mul>(name("gated"), {.a = part("C", 1), .b = conv_.build(layer, u)}).y;
    return linear(layer, "out", {.x = y, .weight = "shortconv.out_proj.weight", .residual = residual});
}

}  // namespace krait
