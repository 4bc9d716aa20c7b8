// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/zamba2.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/residual_block.hpp"
#include "models/layers/shared_block.hpp"

namespace krait {

Result<Architecture> create_zamba2(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    KRAIT_TRY(const Mamba2Sizes mamba, metadata.mamba2());
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const int64_t d_ff, metadata.size("feed_forward_length"));
    KRAIT_TRY(const int64_t n_block, metadata.size("shared_block_count"));
    KRAIT_TRY(const int64_t rank, metadata.size_or("adapter_rank", 0));
    KRAIT_TRY(const int64_t n_rot, metadata.size_or("rope.dimension_count", 0));

    const auto recurrent = std::make_shared<Mamba2Mixer>(mamba);
    const FeedForwardSizes feed_forward{
        .d_model = shape.d_model, .d_ff = d_ff, .activation = ops::Activation::gelu, .adapter_rank = rank};
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    int64_t n_hybrid = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
        NormedMixer step{"norm", "attn_norm.weight", recurrent};
        if (n_kv_head[i] > 0) {
            const auto layer = static_cast<int64_t>(i);
            KRAIT_TRY(AttentionSizes sizes, metadata.attention(layer, n_head[i], n_kv_head[i]));
            sizes.d_input = 2 * shape.d_model;
            if (metadata.has_tensor(layer, "attn_q_lora_a.weight")) sizes.adapter_rank = rank;
            if (n_rot > 0) {
                KRAIT_TRY(sizes.rope, metadata.rope(sizes.k_dim, ops::RopePairing::halves));
            }
            const std::string prefix = fmt::format("{}{}.", kSharedWeights, n_hybrid++ % n_block);
            step.addition = std::make_shared<SharedBlock>(prefix, sizes, feed_forward);
        }
        add_residual_block(layers[i], std::move(step), shape.d_model);
    }
    return Architecture(std::move(shape), std::move(layers),
                        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"d_ff", d_ff}});
}

}  // namespace krait
