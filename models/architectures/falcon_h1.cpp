// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/falcon_h1.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/parallel_mixer.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_falcon_h1(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    KRAIT_TRY(Mamba2Sizes mamba, metadata.mamba2());
    mamba.has_norm = metadata.has_tensor(0, "ssm_norm.weight");
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const int64_t d_ff, metadata.size("feed_forward_length"));
    const auto recurrent = std::make_shared<Mamba2Mixer>(mamba);
    const auto feed_forward = std::make_shared<FeedForward>(FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff});
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        const auto layer = static_cast<int64_t>(i);
        if (n_kv_head[i] < 1) return metadata.corrupt("attention.head_count_kv", "0 in layer {}: every layer attends", i);
        KRAIT_TRY(AttentionSizes sizes, metadata.attention(layer, n_head[i], n_kv_head[i]));
        KRAIT_TRY(sizes.rope, metadata.rope(sizes.k_dim, ops::RopePairing::halves));
        std::vector<std::shared_ptr<const Mixer>> both{std::make_shared<AttentionMixer>(sizes), recurrent};
        add_residual_block(layers[i], {"norm", "attn_norm.weight", std::make_shared<ParallelMixer>(std::move(both))},
                           shape.d_model);
        // Converters have written it with and without the usual ending.
        const std::string ffn_norm = metadata.has_tensor(layer, "ffn_norm") ? "ffn_norm" : "ffn_norm.weight";
        add_residual_block(layers[i], {"ffn_norm", ffn_norm, feed_forward}, shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers),
                        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"d_ff", d_ff}});
}

}  // namespace krait
