// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/nemotron_h.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_nemotron_h(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    KRAIT_TRY(Mamba2Sizes mamba, metadata.mamba2());
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const auto d_ff, metadata.per_layer("feed_forward_length"));
    constexpr ops::Activation kActivation = ops::Activation::relu_squared;
    KRAIT_TRY(ExpertSizes experts, metadata.experts({.gate = ops::ExpertGate::sigmoid}));
    if (experts.n_expert > 0) {
        experts.gated = false;
        experts.activation = kActivation;
        experts.choice_bias = true;
        experts.route.sum_eps = 1e-20f;
        KRAIT_TRY(experts.d_latent, metadata.size_or("moe_latent_size", 0));
        KRAIT_TRY(const int64_t d_shared, metadata.size_or("expert_shared_feed_forward_length", 0));
        if (d_shared > 0)
            experts.shared = {
                .d_model = shape.d_model, .d_ff = d_shared, .gated = false, .activation = kActivation, .suffix = "_shexp"};
    }

    const auto recurrent = std::make_shared<Mamba2Mixer>(mamba);
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        const auto layer = static_cast<int64_t>(i);
        std::shared_ptr<const Mixer> mixer = recurrent;
        if (d_ff[i] > 0 && n_kv_head[i] > 0)
            return metadata.corrupt("attention.head_count_kv", "{} in layer {}, of which '{}' says {}: a layer has one of both",
                                    n_kv_head[i], i, metadata.key("feed_forward_length"), d_ff[i]);
        if (d_ff[i] > 0 && metadata.has_tensor(layer, "ffn_gate_inp.weight")) {
            KRAIT_TRY(experts.d_expert, metadata.size_or("expert_feed_forward_length", d_ff[i]));
            mixer = std::make_shared<ExpertMixer>(experts);
        } else if (d_ff[i] > 0) {
            mixer = std::make_shared<FeedForward>(
                FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff[i], .gated = false, .activation = kActivation});
        } else if (n_kv_head[i] > 0) {
            KRAIT_TRY(const AttentionSizes sizes, metadata.attention(layer, n_head[i], n_kv_head[i]));
            mixer = std::make_shared<AttentionMixer>(sizes);
        }
        add_residual_block(layers[i], {"norm", "attn_norm.weight", mixer}, shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers),
                        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"n_expert", experts.n_expert}});
}

}  // namespace krait
