// SPDX-License-Identifier: Apache-2.0
//
// The feed-forward network of a layer:
//   result = ffn_down . (f(ffn_gate . input) * (ffn_up . input)) + residual?        gated (Shazeer 2020)
//   result = ffn_down . f(ffn_up . input) + residual?                               otherwise
// with biases where the file has them. Adapters (linear.hpp) add to gate and up; they share their first matrix,
// ffn_gate_up_lora_a.
#pragma once

#include "models/layers/layer_context.hpp"

namespace krait {

struct FeedForwardSizes {
    int64_t d_model = 0, d_ff = 0;
    bool gated = true;
    ops::Activation activation = ops::Activation::silu;
    std::string suffix = "";  // of the weights' names: "_shexp" for the expert that every row goes to
    std::string prefix = "";
    int64_t adapter_rank =
        0;  // of ffn_gate_up_lora_a, ffn_gate_lora_b and ffn_up_lora_b, which have no prefix; 0: there are none
};

class FeedForward final : public Mixer {
  public:
    explicit FeedForward(FeedForwardSizes sizes) : sizes_(std::move(sizes)) {}

    std::vector<WeightSpec> weights() const override;
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    std::string name(std::string_view part) const { return fmt::format("ffn_{}{}", part, sizes_.suffix); }
    std::string weight(std::string_view part) const { return fmt::format("{}{}.weight", sizes_.prefix, name(part)); }
    std::string bias(std::string_view part) const { return fmt::format("{}{}.bias", sizes_.prefix, name(part)); }

    FeedForwardSizes sizes_;
};

// f(gate) * up, [T, E] each; f(up) where there is no gate.
graph::TensorId activate(LayerContext& layer, std::string_view node, ops::Activation function, graph::TensorId gate,
                         graph::TensorId up);

}  // namespace krait
