// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/falcon_h1.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/parallel_mixer.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_falcon_h1(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    for (const char* unfolded : {"ssm.has_mup", "mlp_gate_multiplier", "mlp_down_multiplier", "embedding_multiplier",
                                 "lm_head_multiplier", "attention_in_multiplier", "ssm_in_multiplier"})
        if (metadata.has(unfolded))
            return fail(
                ErrorCode::unsupported,
                "{}: '{}': this file leaves the model's multipliers to the graph; convert the original checkpoint again, "
                "which folds them into the weights",
                file.name(), metadata.key(unfolded));
    KRAIT_TRY(Mamba2Sizes mamba, metadata.mamba2());
    mamba.has_norm = metadata.has_tensor(0, "ssm_norm.weight");
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const int64_t d_ff, metadata.size("feed_forward_length"));
    const auto recurrent = std::make_shared<Mamba2Mixer>(mamba);
    const auto feed_forward = std::make_shared<FeedForward>(FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff});
    // Converters have written it with and without the usual ending.
    const std::string ffn_norm = metadata.has_tensor(0, "ffn_norm") ? "ffn_norm" : "ffn_norm.weight";
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        if (n_kv_head[i] < 1) return metadata.corrupt("attention.head_count_kv", "0 in layer {}: every layer attends", i);
        KRAIT_TRY(AttentionSizes sizes, metadata.attention(static_cast<int64_t>(i), n_head[i], n_kv_head[i]));
        KRAIT_TRY(sizes.rope, metadata.rope(sizes.k_dim, ops::RopePairing::halves));
        std::vector<std::shared_ptr<const Mixer>> both{std::make_shared<AttentionMixer>(sizes), recurrent};
        add_residual_block(layers[i], {"norm", "attn_norm.weight", std::make_shared<ParallelMixer>(std::move(both))},
                           shape.d_model);
        add_residual_block(layers[i], {"ffn_norm", ffn_norm, feed_forward}, shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers),
                        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"d_ff", d_ff}});
}

}  // namespace krait
