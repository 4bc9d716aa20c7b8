// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/granite_hybrid.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_granite_hybrid(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    KRAIT_TRY(shape.embedding_scale, metadata.factor("embedding_scale", 1));
    KRAIT_TRY(const float logit_divisor, metadata.factor("logit_scale", 1));
    KRAIT_TRY(const float residual_scale, metadata.factor("residual_scale", 1));
    shape.logit_scale = 1 / logit_divisor;

    KRAIT_TRY(const Mamba2Sizes mamba, metadata.mamba2());
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const int64_t d_ff, metadata.size("feed_forward_length"));
    KRAIT_TRY(const bool turns, file.get_bool(metadata.key("rope.scaling.finetuned"), true));
    // Weights are the softmax of the chosen logits alone: that of all, normalized, is the same.
    KRAIT_TRY(ExpertSizes experts, metadata.experts({.normalizes = true}));
    experts.d_expert = d_ff;
    KRAIT_TRY(const int64_t d_shared, metadata.size_or("expert_shared_feed_forward_length", 0));
    if (d_shared > 0) experts.shared = {.d_model = shape.d_model, .d_ff = d_shared, .suffix = "_shexp"};

    const auto recurrent = std::make_shared<Mamba2Mixer>(mamba);
    std::shared_ptr<const Mixer> feed_forward;
    if (experts.n_expert > 0) feed_forward = std::make_shared<ExpertMixer>(experts);
    else feed_forward = std::make_shared<FeedForward>(FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff});
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        std::shared_ptr<const Mixer> mixer = recurrent;
        if (n_kv_head[i] > 0) {
            KRAIT_TRY(AttentionSizes sizes, metadata.attention(static_cast<int64_t>(i), n_head[i], n_kv_head[i]));
            if (turns) {
                KRAIT_TRY(sizes.rope, metadata.rope(sizes.k_dim, ops::RopePairing::adjacent));
            }
            mixer = std::make_shared<AttentionMixer>(sizes);
        }
        add_residual_block(layers[i], {"norm", "attn_norm.weight", mixer, residual_scale}, shape.d_model);
        add_residual_block(layers[i], {"ffn_norm", "ffn_norm.weight", feed_forward, residual_scale}, shape.d_model);
    }
    return Architecture(
        std::move(shape), std::move(layers),
        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"d_ff", d_ff}, {"n_expert", experts.n_expert}});
}

}  // namespace krait
