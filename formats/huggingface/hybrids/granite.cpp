// SPDX-License-Identifier: Apache-2.0
//
// Granite 4.0 H, and Bamba, which GGUF has under the same architecture: without factors, and with rope on a part of each head.
#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

// Without experts the shared one is the layer's only network.
int64_t feed_forward(const Sizes& s) { return at(s, at(s, "expert_count") > 0 ? ".expert_width" : ".shared_width"); }
int64_t shared_width(const Sizes& s) { return at(s, "expert_count") > 0 ? at(s, ".shared_width") : 0; }
// partial_rotary_factor of every Bamba is 0.5; transformers lets no file say otherwise.
int64_t half_of_head(const Sizes& s) { return at(s, "attention.key_length") / 2; }

constexpr SizeRule kGraniteSizesOfItsOwn[] = {
    {"block_count", {"num_hidden_layers"}},
    {"expert_count", {"num_local_experts"}, constant<0>, 0},
    {".expert_used_count", {"num_experts_per_tok"}, constant<0>, 0},
    {"expert_used_count", {}, used_experts, 0},
    {".expert_width", {"intermediate_size"}, constant<0>, 0},
    {".shared_width", {"shared_intermediate_size"}, constant<0>, 0},
    {"feed_forward_length", {}, feed_forward},
    {"expert_shared_feed_forward_length", {}, shared_width, 0},
};
constexpr auto kGraniteSizes = joined(kAttentionSizes, kMamba2Sizes, kGraniteSizesOfItsOwn);
constexpr NumberRule kGraniteNumbers[] = {
    {"attention.scale", {"attention_multiplier"}},
    {"embedding_scale", {"embedding_multiplier"}},
    {"residual_scale", {"residual_multiplier"}},
    {"logit_scale", {"logits_scaling"}},
    rope_base("rope.freq_base", 10000),
};
constexpr FlagRule kFlags[] = {
    {Presence::with_bias, {"mamba_proj_bias"}, false},
    {Presence::with_conv_bias, {"mamba_conv_bias"}, true},
    {Presence::with_attention_bias, {"attention_bias"}, false},
    {Presence::with_mlp_bias, {"mlp_bias"}, false},
    {Presence::with_gated_norm, {}, true},
};

constexpr TensorRule kGraniteGlobal[] = {
    matrix("embeddings.weight", "token_embd.weight"),
    {"norm.weight", "output_norm.weight"},
    when(Presence::untied, matrix("lm_head.weight", "output.weight")),
};
constexpr TensorRule kGraniteNorms[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"post_attention_layernorm.weight", "ffn_norm.weight"},
};
constexpr TensorRule kOnlyNetwork[] = {
    part(0, 2, matrix("input_linear.weight", "ffn_gate.weight")),
    part(1, 2, matrix("input_linear.weight", "ffn_up.weight")),
    matrix("output_linear.weight", "ffn_down.weight"),
};
constexpr TensorRule kSharedNetwork[] = {
    part(0, 2, matrix("input_linear.weight", "ffn_gate_shexp.weight")),
    part(1, 2, matrix("input_linear.weight", "ffn_up_shexp.weight")),
    matrix("output_linear.weight", "ffn_down_shexp.weight"),
};
constexpr TensorRule kExpertTensors[] = {
    {"router.layer.weight", "ffn_gate_inp.weight"},
    part(0, 2, shaped(Shape::experts, matrix("input_linear.weight", "ffn_gate_exps.weight"))),
    part(1, 2, shaped(Shape::experts, matrix("input_linear.weight", "ffn_up_exps.weight"))),
    shaped(Shape::experts, matrix("output_linear.weight", "ffn_down_exps.weight")),
};
constexpr TensorGroup kGraniteGroups[] = {
    {"", kGraniteNorms},
    {"mamba.", kMamba2Tensors, kMamba},
    {"self_attn.", kPermutedAttentionTensors, kAttention},
    {"shared_mlp.", kOnlyNetwork, kMlp},
    {"block_sparse_moe.", kExpertTensors, kExperts},
    {"shared_mlp.", kSharedNetwork, kSharedExpert},
};

constexpr LayerWord kAttentionOrMamba[] = {
    {"mamba", kMamba}, {"linear_attention", kMamba}, {"attention", kAttention}, {"full_attention", kAttention}};

Result<std::vector<LayerParts>> granite_layers(const Config& config, const ModelFacts& facts) {
    constexpr std::string_view kNames[] = {"layer_types", "layers_block_type"};
    KRAIT_TRY(auto layers,
              read_layer_lists(config, facts.size("block_count"), {.word_lists = kNames, .words = kAttentionOrMamba}));
    for (LayerParts& layer : layers) layer |= facts.size("expert_count") > 0 ? kExperts | kSharedExpert : kMlp;
    return layers;
}

Result<void> finish_granite(const Config& config, ModelFacts& facts) {
    constexpr std::string_view kPositions[] = {"position_embedding_type"};
    KRAIT_TRY(const auto positions, config.text(kPositions));
    const bool has_rope = positions == "rope";
    if (positions && !has_rope && *positions != "nope")
        return config.wrong(kPositions, *config.find(kPositions), "'rope', 'nope' or null");
    if (has_rope) {
        const int64_t n_rot = facts.sizes["rope.dimension_count"] = facts.size("attention.key_length");
        KRAIT_CHECK(check_rope(config, n_rot));
    } else {
        facts.sizes["context_length"] = int64_t{1} << 20;  // nothing limits it
    }
    // llama.cpp reads from this whether there is rope.
    facts.add("rope.scaling.finetuned", has_rope);
    return {};
}

constexpr SizeRule kBambaSizesOfItsOwn[] = {
    {"block_count", {"num_hidden_layers"}},
    {"feed_forward_length", {"intermediate_size"}},
    {"rope.dimension_count", {}, half_of_head},
};
constexpr auto kBambaSizes = joined(kAttentionSizes, kMamba2Sizes, kBambaSizesOfItsOwn);
constexpr NumberRule kBambaNumbers[] = {rope_base("rope.freq_base", 10000)};
constexpr TensorRule kBambaNorms[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"pre_ff_layernorm.weight", "ffn_norm.weight"},
};
constexpr TensorGroup kBambaGroups[] = {
    {"", kBambaNorms},
    {"mamba.", kMamba2Tensors, kMamba},
    {"self_attn.", kPermutedAttentionTensors, kAttention},
    {"feed_forward.", kGatedMlpTensors, kMlp},
};

Result<std::vector<LayerParts>> bamba_layers(const Config& config, const ModelFacts& facts) {
    constexpr std::string_view kIndices[] = {"attn_layer_indices"}, kWordLists[] = {"layer_types", "layers_block_type"};
    KRAIT_TRY(auto layers, read_layer_lists(config, facts.size("block_count"),
                                            {.word_lists = kWordLists,
                                             .words = kAttentionOrMamba,
                                             .index_lists = kIndices,
                                             .attending = kAttention,
                                             .others = kMamba,
                                             .others_by_default = true}));
    for (LayerParts& layer : layers) layer |= kMlp;
    return layers;
}

Result<void> finish_bamba(const Config& config, ModelFacts& facts) {
    KRAIT_CHECK(check_rope(config, facts.size("rope.dimension_count")));
    facts.add("rope.scaling.finetuned", true);
    return {};
}

constexpr std::string_view kGraniteClasses[] = {"GraniteMoeHybridForCausalLM"};
constexpr std::string_view kBambaClasses[] = {"BambaForCausalLM"};

}  // namespace

constinit const Architecture kGraniteHybrid{.title = "Granite 4.0 H",
                                            .model_type = "granitemoehybrid",
                                            .classes = kGraniteClasses,
                                            .ours = "granitehybrid",
                                            .sizes = kGraniteSizes,
                                            .groups = kGraniteGroups,
                                            .global_tensors = kGraniteGlobal,
                                            .prefix = "model.",
                                            .flags = kFlags,
                                            .switches = kNormSwitch,
                                            .words = kSilu,
                                            .is_tied_by_default = false,
                                            .numbers = kGraniteNumbers,
                                            .read_layers = granite_layers,
                                            .finish = finish_granite,
                                            .eps_default = 1e-6};
constinit const Architecture kBamba{.title = "Bamba",
                                    .model_type = "bamba",
                                    .classes = kBambaClasses,
                                    .ours = "granitehybrid",
                                    .sizes = kBambaSizes,
                                    .groups = kBambaGroups,
                                    .global_tensors = kFinalNormTensors,
                                    .prefix = "model.",
                                    .flags = kFlags,
                                    .switches = kNormSwitch,
                                    .words = kSilu,
                                    .is_tied_by_default = false,
                                    .numbers = kBambaNumbers,
                                    .read_layers = bamba_layers,
                                    .finish = finish_bamba};

}  // namespace krait::huggingface
