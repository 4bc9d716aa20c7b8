// SPDX-License-Identifier: Apache-2.0
#include "models/layers/expert_mixer.hpp"

#include "models/layers/linear.hpp"

namespace krait {
namespace {

using graph::kNoTensor;
using graph::TensorId;

WeightSpec expert_weight(std::string name, int64_t n_expert, int64_t rows, int64_t columns) {
    return {.name = std::move(name),
            .extents = {n_expert, rows, columns},
            .any_format = true,
            .uses = {use_of<ops::MulMatExperts>(OpId::mul_mat_experts, "w")}};
}

}  // namespace

ExpertMixer::ExpertMixer(const ExpertSizes& sizes) : sizes_(sizes) {
    if (sizes_.shared) shared_.emplace(*sizes_.shared);
}

std::vector<WeightSpec> ExpertMixer::weights() const {
    const auto& s = sizes_;
    std::vector<WeightSpec> specs{linear_weight("ffn_gate_inp.weight", s.n_expert, s.d_model)};
    specs.back().finite = true;  // ranks of NaN choose the last experts, whatever the token is
    if (s.choice_bias)
        specs.push_back({.name = "exp_probs_b.bias",
                         .extents = {s.n_expert},
                         .finite = true,
                         .uses = {use_of<ops::RouteExperts>(OpId::route_experts, "bias")}});
    if (s.d_latent > 0) specs.push_back(linear_weight("ffn_latent_down.weight", s.d_latent, s.d_model));
    if (s.gated) specs.push_back(expert_weight("ffn_gate_exps.weight", s.n_expert, s.d_expert, s.d_input()));
    specs.push_back(expert_weight("ffn_up_exps.weight", s.n_expert, s.d_expert, s.d_input()));
    specs.push_back(expert_weight("ffn_down_exps.weight", s.n_expert, s.d_input(), s.d_expert));
    if (s.d_latent > 0) specs.push_back(linear_weight("ffn_latent_up.weight", s.d_model, s.d_latent));
    if (shared_)
        for (WeightSpec& spec : shared_->weights()) specs.push_back(std::move(spec));
    return specs;
}

TensorId ExpertMixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    graph::GraphBuilder& b = layer.builder();
    const auto name = [&](std::string_view what) { return layer.name(what); };
    const TensorId logits = linear(layer, "router", {.x = x, .weight = "ffn_gate_inp.weight"});
    const auto routed = b.op<ops::RouteExperts>(
        name("route"), {.logits = logits, .bias = sizes_.choice_bias ? layer.weight("exp_probs_b.bias") : kNoTensor},
        sizes_.route);
    const auto experts = [&](const char* node, const char* weight, TensorId input) {
        return b.op<ops::MulMatExperts>(name(node), {.x = input, .w = layer.weight(weight), .ids = routed.ids}).y;
    };
    const int64_t n_used = sizes_.route.k;
    const TensorId input = sizes_.d_latent > 0 ? linear(layer, "latent_down", {.x = x, .weight = "ffn_latent_down.weight"}) : x;
    const TensorId gate =
        sizes_.gated ? b.merge_columns(name("gates"), experts("gate_exps", "ffn_gate_exps.weight", input)) : kNoTensor;
    const TensorId up = b.merge_columns(name("ups"), experts("up_exps", "ffn_up_exps.weight", input));
    const TensorId hidden =
        b.split_columns(name("hidden"), activate(layer, "act_exps", sizes_.activation, gate, up), n_used, sizes_.d_expert);
    const TensorId down = experts("down_exps", "ffn_down_exps.weight", hidden);

    const TensorId base = shared_ ? shared_->build(layer, x, residual) : residual;
    const bool has_latent = sizes_.d_latent > 0;
    const TensorId y = b.op<ops::CombineExperts>(name("experts"),
                                                 {.x = down, .weights = routed.weights, .base = has_latent ? kNoTensor : base})
                           .y;
    return has_latent ? linear(layer, "latent_up", {.x = y, .weight = "ffn_latent_up.weight", .residual = base}) : y;
}

}  // namespace krait
