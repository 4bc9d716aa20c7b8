// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/lfm2.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/residual_block.hpp"
#include "models/layers/short_conv_mixer.hpp"

namespace krait {

Result<Architecture> create_lfm2(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    KRAIT_TRY(const int64_t d_conv, metadata.size("shortconv.l_cache"));
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const auto d_ff, metadata.per_layer("feed_forward_length"));
    shape.output_norm = "token_embd_norm.weight";
    KRAIT_TRY(ExpertSizes experts, metadata.experts({.gate = ops::ExpertGate::sigmoid, .normalizes = true}));
    if (experts.n_expert > 0) {
        KRAIT_TRY(experts.d_expert, metadata.size("expert_feed_forward_length"));
        experts.route.sum_eps = 1e-6f;
    }

    const auto convolution = std::make_shared<ShortConvMixer>(shape.d_model, d_conv);
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        const auto layer = static_cast<int64_t>(i);
        std::shared_ptr<const Mixer> mixer = convolution, feed_forward;
        if (n_kv_head[i] > 0) {
            KRAIT_TRY(AttentionSizes sizes, metadata.attention(layer, n_head[i], n_kv_head[i]));
            sizes.norm_q_k = true;
            KRAIT_TRY(sizes.rope, metadata.rope(sizes.k_dim, ops::RopePairing::halves));
            mixer = std::make_shared<AttentionMixer>(sizes);
        }
        if (metadata.has_tensor(layer, "ffn_gate_inp.weight")) {
            experts.choice_bias = metadata.has_tensor(layer, "exp_probs_b.bias");
            feed_forward = std::make_shared<ExpertMixer>(experts);
        } else {
            feed_forward = std::make_shared<FeedForward>(FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff[i]});
        }
        add_residual_block(layers[i], {"norm", "attn_norm.weight", mixer}, shape.d_model);
        add_residual_block(layers[i], {"ffn_norm", "ffn_norm.weight", feed_forward}, shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers), {{"d_conv", d_conv}, {"n_expert", experts.n_expert}});
}

}  // namespace krait
