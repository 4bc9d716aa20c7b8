// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/jamba.hpp"

#include "models/architectures/layer_metadata.hpp"
#include "models/layers/mamba_mixer.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {

Result<Architecture> create_jamba(const ModelSource& file, ModelShape shape) {
    const LayerMetadata metadata(file, shape);
    MambaSizes mamba{.d_model = shape.d_model, .inner_norms = InnerNorms::weighted};
    KRAIT_TRY(mamba.d_inner, metadata.size("ssm.inner_size"));
    KRAIT_TRY(mamba.d_state, metadata.size("ssm.state_size"));
    KRAIT_TRY(mamba.d_conv, metadata.size("ssm.conv_kernel"));
    KRAIT_TRY(mamba.dt_rank, metadata.size("ssm.time_step_rank"));
    KRAIT_TRY(const auto n_head, metadata.per_layer("attention.head_count"));
    KRAIT_TRY(const auto n_kv_head, metadata.per_layer("attention.head_count_kv"));
    KRAIT_TRY(const int64_t d_ff, metadata.size("feed_forward_length"));
    KRAIT_TRY(ExpertSizes experts, metadata.experts({}));
    experts.d_expert = d_ff;

    const auto recurrent = std::make_shared<MambaMixer>(mamba);
    const auto dense = std::make_shared<FeedForward>(FeedForwardSizes{.d_model = shape.d_model, .d_ff = d_ff});
    const auto sparse = std::make_shared<ExpertMixer>(experts);
    std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer));
    for (size_t i = 0; i < layers.size(); ++i) {
        const auto layer = static_cast<int64_t>(i);
        std::shared_ptr<const Mixer> mixer = recurrent, feed_forward = dense;
        if (n_kv_head[i] > 0) {
            KRAIT_TRY(const AttentionSizes sizes, metadata.attention(layer, n_head[i], n_kv_head[i]));
            mixer = std::make_shared<AttentionMixer>(sizes);
        }
        if (metadata.has_tensor(layer, "ffn_gate_inp.weight")) feed_forward = sparse;
        add_residual_block(layers[i], {"norm", "attn_norm.weight", mixer}, shape.d_model);
        add_residual_block(layers[i], {"ffn_norm", "ffn_norm.weight", feed_forward}, shape.d_model);
    }
    return Architecture(
        std::move(shape), std::move(layers),
        {{"d_inner", mamba.d_inner}, {"d_state", mamba.d_state}, {"d_ff", d_ff}, {"n_expert", experts.n_expert}});
}

}  // namespace krait
