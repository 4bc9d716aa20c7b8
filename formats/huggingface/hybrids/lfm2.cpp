// SPDX-License-Identifier: Apache-2.0
//
// LFM2 and LFM2 with experts: gated short convolutions, and some attention.
#include <cmath>

#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

constexpr SizeRule kCommonSizes[] = {
    {"block_count", {"num_hidden_layers"}},
    {"shortconv.l_cache", {"conv_L_cache"}, constant<3>},
    {"rope.dimension_count", {}, key_length},
};
constexpr SizeRule kSizesOfItsOwn[] = {
    {"feed_forward_length", {"block_ff_dim", "intermediate_size"}},  // finish() rounds it
    {".multiple", {"block_multiple_of"}, constant<256>},
};
constexpr auto kSizes = joined(kAttentionSizes, kCommonSizes, kSizesOfItsOwn);
constexpr SizeRule kMoeSizesOfItsOwn[] = {
    {"feed_forward_length", {"intermediate_size"}},
    {"expert_feed_forward_length", {"moe_intermediate_size"}},
    {"expert_count", {"num_experts"}},
    {"expert_used_count", {"num_experts_per_tok"}},
    {"leading_dense_block_count", {"num_dense_layers"}, constant<2>, 0},
};
constexpr auto kMoeSizes = joined(kAttentionSizes, kCommonSizes, kMoeSizesOfItsOwn);
constexpr NumberRule kNumbers[] = {rope_base("rope.freq_base", 1e6)};
constexpr NumberRule kMoeNumbers[] = {
    rope_base("rope.freq_base", 1e6),
    {"expert_weights_scale", {"routed_scaling_factor"}},
};
constexpr FlagRule kFlags[] = {{Presence::with_expert_bias, {"use_expert_bias"}, true}};
constexpr SwitchRule kSwitches[] = {
    {{"conv_bias"}, false, "short convolutions have no biases here"},
    {{"norm_topk_prob"}, true, "weights of experts sum to 1 here"},
};

constexpr TensorRule kGlobal[] = {
    matrix("embeddings.weight", "token_embd.weight"),
    {"embedding_norm.weight", "token_embd_norm.weight"},  // behind the layers, in spite of its name
    when(Presence::untied, matrix("lm_head.weight", "output.weight")),
};
constexpr TensorRule kNorms[] = {
    {"operator_norm.weight", "attn_norm.weight"},
    {"ffn_norm.weight", "ffn_norm.weight"},
};
constexpr TensorRule kConvTensors[] = {
    matrix("in_proj.weight", "shortconv.in_proj.weight"),
    shaped(Shape::without_middle, {"conv.weight", "shortconv.conv.weight"}),
    matrix("out_proj.weight", "shortconv.out_proj.weight"),
};
constexpr TensorRule kAttentionWithNorms[] = {
    matrix("q_proj.weight", "attn_q.weight"),     matrix("k_proj.weight", "attn_k.weight"),
    matrix("v_proj.weight", "attn_v.weight"),     {"q_layernorm.weight", "attn_q_norm.weight"},
    {"k_layernorm.weight", "attn_k_norm.weight"}, matrix("out_proj.weight", "attn_output.weight"),
};
constexpr TensorRule kMlpTensors[] = {
    matrix("w1.weight", "ffn_gate.weight"),
    matrix("w3.weight", "ffn_up.weight"),
    matrix("w2.weight", "ffn_down.weight"),
};
constexpr TensorRule kExpertTensors[] = {
    {"gate.weight", "ffn_gate_inp.weight"},
    when(Presence::with_expert_bias, {"expert_bias", "exp_probs_b.bias"}),
    shaped(Shape::experts, matrix("experts.{}.w1.weight", "ffn_gate_exps.weight")),
    part(0, 2, shaped(Shape::experts, matrix("experts.gate_up_proj", "ffn_gate_exps.weight"))),
    shaped(Shape::experts, matrix("experts.{}.w3.weight", "ffn_up_exps.weight")),
    part(1, 2, shaped(Shape::experts, matrix("experts.gate_up_proj", "ffn_up_exps.weight"))),
    shaped(Shape::experts, matrix("experts.{}.w2.weight", "ffn_down_exps.weight")),
    shaped(Shape::experts, matrix("experts.down_proj", "ffn_down_exps.weight")),
};
constexpr TensorGroup kGroups[] = {
    {"", kNorms},
    {"conv.", kConvTensors, kShortConv},
    {"self_attn.", kAttentionWithNorms, kAttention},
    {"feed_forward.", kMlpTensors, kMlp},
    {"feed_forward.", kExpertTensors, kExperts},
};

Result<std::vector<LayerParts>> mixers(const Config& config, const ModelFacts& facts) {
    constexpr std::string_view kList[] = {"layer_types"}, kIndices[] = {"full_attn_idxs"};
    constexpr LayerWord kWords[] = {{"conv", kShortConv}, {"full_attention", kAttention}};
    return read_layer_lists(
        config, facts.size("block_count"),
        {.word_lists = kList, .words = kWords, .index_lists = kIndices, .attending = kAttention, .others = kShortConv});
}

Result<std::vector<LayerParts>> read_layers(const Config& config, const ModelFacts& facts) {
    KRAIT_TRY(auto layers, mixers(config, facts));
    for (LayerParts& layer : layers) layer |= kMlp;
    return layers;
}

Result<std::vector<LayerParts>> read_moe_layers(const Config& config, const ModelFacts& facts) {
    KRAIT_TRY(auto layers, mixers(config, facts));
    for (size_t i = 0; i < layers.size(); ++i)
        layers[i] |= static_cast<int64_t>(i) < facts.size("leading_dense_block_count") ? kMlp : kExperts;
    return layers;
}

// Files have the width of a network without gate; a gated one of as many weights has two thirds of it, rounded up.
Result<void> finish(const Config& config, ModelFacts& facts) {
    constexpr std::string_view kAdjust[] = {"block_auto_adjust_ff_dim"}, kFactor[] = {"block_ffn_dim_multiplier"};
    KRAIT_TRY(const auto adjust, config.boolean(kAdjust));
    KRAIT_TRY(const auto factor, config.number(kFactor));
    if (adjust.value_or(true)) {
        auto width = static_cast<int64_t>(2.0 * static_cast<double>(facts.size("feed_forward_length")) / 3.0);
        if (factor) {
            const double wanted = std::floor(*factor * static_cast<double>(width));
            if (!(wanted >= 1 && wanted <= INT32_MAX)) return config.wrong(kFactor, *config.find(kFactor), "a factor above 0");
            const int64_t multiple = facts.size(".multiple");
            width = (static_cast<int64_t>(wanted) + multiple - 1) / multiple * multiple;
        }
        facts.sizes["feed_forward_length"] = width;
    }
    return check_rope(config, facts.size("rope.dimension_count"));
}

Result<void> finish_moe(const Config& config, ModelFacts& facts) {
    facts.add("expert_gating_func", uint32_t{2});  // sigmoid
    facts.add("expert_weights_norm", true);
    return check_rope(config, facts.size("rope.dimension_count"));
}

constexpr std::string_view kClasses[] = {"Lfm2ForCausalLM"};
constexpr std::string_view kMoeClasses[] = {"Lfm2MoeForCausalLM"};

}  // namespace

constinit const Architecture kLfm2{.title = "LFM2",
                                   .model_type = "lfm2",
                                   .classes = kClasses,
                                   .ours = "lfm2",
                                   .sizes = kSizes,
                                   .groups = kGroups,
                                   .global_tensors = kGlobal,
                                   .prefix = "model.",
                                   .flags = kFlags,
                                   .switches = kSwitches,
                                   .words = kSilu,
                                   .numbers = kNumbers,
                                   .read_layers = read_layers,
                                   .finish = finish};
constinit const Architecture kLfm2Moe{.title = "LFM2 with experts",
                                      .model_type = "lfm2_moe",
                                      .classes = kMoeClasses,
                                      .ours = "lfm2moe",
                                      .sizes = kMoeSizes,
                                      .groups = kGroups,
                                      .global_tensors = kGlobal,
                                      .prefix = "model.",
                                      .flags = kFlags,
                                      .switches = kSwitches,
                                      .words = kSilu,
                                      .numbers = kMoeNumbers,
                                      .read_layers = read_moe_layers,
                                      .finish = finish_moe};

}  // namespace krait::huggingface
