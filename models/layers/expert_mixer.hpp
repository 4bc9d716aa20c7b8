// SPDX-License-Identifier: Apache-2.0
//
// A mixture of experts (core/ops/route_experts.hpp). E experts, each row goes to k of them:
//   ids, weights = route(ffn_gate_inp . input, exp_probs_b)
//   u            = ffn_latent_down . input                         where experts work in fewer dimensions, else the input
//   y            = sum over i of weights[i] * down_i . (f(gate_i . u) * (up_i . u))    without gates f(up_i . u)
//   result       = (ffn_latent_up .) y + shared(input) + residual?       shared: an expert for every row, if any
// with gate_i, up_i and down_i the matrices of expert ids[i] in ffn_gate_exps, ffn_up_exps and ffn_down_exps.
#pragma once

#include <optional>

#include "models/layers/feed_forward.hpp"

namespace krait {

struct ExpertSizes {
    int64_t d_model = 0, n_expert = 0;
    int64_t d_expert = 0;  // width of an expert's hidden layer
    int64_t d_latent = 0;  // 0: experts read the input as it is
    bool gated = true;
    ops::Activation activation = ops::Activation::silu;
    bool choice_bias = false;  // the file has exp_probs_b
    ops::RouteExpertsParams route;
    std::optional<FeedForwardSizes> shared = {};

    int64_t d_input() const { return d_latent > 0 ? d_latent : d_model; }
};

class ExpertMixer final : public Mixer {
  public:
    explicit ExpertMixer(const ExpertSizes& sizes);

    std::vector<WeightSpec> weights() const override;
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    ExpertSizes sizes_;
    std::optional<FeedForward> shared_;
};

}  // namespace krait
