// SPDX-License-Identifier: Apache-2.0
#include "models/layers/feed_forward.hpp"

#include "models/layers/linear.hpp"

namespace krait {

using graph::kNoTensor;
using graph::TensorId;

std::vector<WeightSpec> FeedForward::weights() const {
    std::vector<WeightSpec> specs;
    const auto add = [&](std::string_view part, int64_t rows, int64_t columns) {
        specs.push_back(linear_weight(weight(part), rows, columns));
        specs.push_back(linear_bias(bias(part), rows));
    };
    if (sizes_.gated) add("gate", sizes_.d_ff, sizes_.d_model);
    add("up", sizes_.d_ff, sizes_.d_model);
    add("down", sizes_.d_model, sizes_.d_ff);
    if (const int64_t rank = sizes_.adapter_rank; rank > 0) {
        specs.push_back(linear_weight("ffn_gate_up_lora_a.weight", rank, sizes_.d_model));
        for (const char* name : {"ffn_gate_lora_b.weight", "ffn_up_lora_b.weight"})
            specs.push_back(linear_weight(name, sizes_.d_ff, rank));
    }
    return specs;
}

TensorId FeedForward::build(LayerContext& layer, TensorId x, TensorId residual) const {
    const TensorId adapted = sizes_.adapter_rank > 0
                                 ? linear(layer, name("adapter_in"), {.x = x, .weight = "ffn_gate_up_lora_a.weight"})
                                 : kNoTensor;
    const auto part = [&](std::string_view which) {
        const std::string lora_b = fmt::format("ffn_{}_lora_b.weight", which);
        return linear(layer, name(which), {.x = x, .weight = weight(which), .bias = bias(which), .adapter = {adapted, lora_b}});
    };
    const TensorId gate = sizes_.gated ? part("gate") : kNoTensor;
    const TensorId hidden = activate(layer, name("act"), sizes_.activation, gate, part("up"));
    return linear(layer, name("down"), {.x = hidden, .weight = weight("down"), .bias = bias("down"), .residual = residual});
}

TensorId activate(LayerContext& layer, std::string_view node, ops::Activation function, TensorId gate, TensorId up) {
    graph::GraphBuilder& b = layer.builder();
    if (gate == kNoTensor) return b.op<ops::Activate>(layer.name(node), {.a = up}, {.function = function}).y;
    if (function == ops::Activation::silu) return b.op<ops::SiluMul>(layer.name(node), {.a = gate, .b = up}).y;
    return b.op<ops::Activate>(layer.name(node), {.a = gate, .b = up}, {.function = function}).y;
}

}  // namespace krait
