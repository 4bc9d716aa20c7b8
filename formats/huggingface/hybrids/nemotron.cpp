// SPDX-License-Identifier: Apache-2.0
//
// Nemotron-H, Nemotron Nano 2 and 3, Nemotron 3 Super: a layer is one mixer, one attention or one network.
#include <algorithm>

#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

int64_t inner_of_heads(const Sizes& s) { return at(s, "ssm.time_step_rank") * at(s, ".head_dim"); }

constexpr SizeRule kSizesOfItsOwn[] = {
    {"block_count", {"num_hidden_layers"}, [](const Sizes& s) { return at(s, ".listed_layers"); }},
    {"ssm.conv_kernel", {"conv_kernel", "mamba_d_conv"}, constant<4>},
    {"ssm.state_size", {"ssm_state_size"}},
    {"ssm.group_count", {"n_groups", "mamba_n_groups"}},
    {"ssm.time_step_rank", {"mamba_num_heads"}},
    {".head_dim", {"mamba_head_dim"}},
    {"ssm.inner_size", {}, inner_of_heads},
    {".mlp_width", {"intermediate_size"}, constant<0>, 0},
    {".expert_count", {"n_routed_experts"}, constant<0>, 0},
    {".expert_used_count", {"num_experts_per_tok"}, constant<0>, 0},
    {".expert_width", {"moe_intermediate_size"}, constant<0>, 0},
    {".expert_shared_width", {"moe_shared_expert_intermediate_size"}, constant<0>, 0},
    {".expert_shared_count", {"n_shared_experts"}, constant<1>, 0},
    {".expert_group_count", {"n_group"}, constant<1>},
    {".expert_group_used_count", {"topk_group"}, constant<1>},
    {".latent", {"moe_latent_size"}, constant<0>, 0},
};
constexpr auto kSizes = joined(kAttentionSizes, kSizesOfItsOwn);
constexpr NumberRule kNumbers[] = {{".expert_scale", {"routed_scaling_factor"}}};
// A step of a scan is never below time_step_min on prompts in transformers; the kernels that models were trained with know no
// such limit, nor does transformers for single tokens.
constexpr FlagRule kFlags[] = {
    {Presence::with_bias, {"use_bias"}, false},
    {Presence::with_conv_bias, {"use_conv_bias", "mamba_conv_bias"}, true},
    {Presence::with_attention_bias, {"attention_bias"}, false},
    {Presence::with_mlp_bias, {"mlp_bias"}, false},
    {Presence::with_gated_norm, {}, true},
    {Presence::with_expert_bias, {}, true},
};
constexpr WordRule kWords[] = {{"mlp_hidden_act", {"relu2"}}, {"mamba_hidden_act", {"silu", "swish"}}};

constexpr TensorRule kGlobal[] = {
    matrix("embeddings.weight", "token_embd.weight"),
    {"norm_f.weight", "output_norm.weight"},
    when(Presence::untied, matrix("lm_head.weight", "output.weight")),
};
constexpr TensorRule kNorm[] = {{"norm.weight", "attn_norm.weight"}};
constexpr TensorRule kMlpTensors[] = {
    matrix("up_proj.weight", "ffn_up.weight"),
    when(Presence::with_mlp_bias, {"up_proj.bias", "ffn_up.bias"}),
    matrix("down_proj.weight", "ffn_down.weight"),
    when(Presence::with_mlp_bias, {"down_proj.bias", "ffn_down.bias"}),
};
constexpr TensorRule kExpertTensors[] = {
    {"gate.weight", "ffn_gate_inp.weight"},
    when(Presence::with_expert_bias, {"gate.e_score_correction_bias", "exp_probs_b.bias"}),
    shaped(Shape::experts, matrix("experts.{}.up_proj.weight", "ffn_up_exps.weight")),
    shaped(Shape::experts, matrix("experts.up_proj", "ffn_up_exps.weight")),
    shaped(Shape::experts, matrix("experts.{}.down_proj.weight", "ffn_down_exps.weight")),
    shaped(Shape::experts, matrix("experts.down_proj", "ffn_down_exps.weight")),
};
constexpr TensorRule kSharedTensors[] = {
    matrix("up_proj.weight", "ffn_up_shexp.weight"),
    matrix("down_proj.weight", "ffn_down_shexp.weight"),
};
constexpr TensorRule kLatentTensors[] = {
    matrix("fc1_latent_proj.weight", "ffn_latent_down.weight"),
    matrix("fc2_latent_proj.weight", "ffn_latent_up.weight"),
};
constexpr TensorGroup kGroups[] = {
    {"", kNorm},
    {"mixer.", kMamba2Tensors, kMamba},
    {"mixer.", kAttentionTensors, kAttention},
    {"mixer.", kMlpTensors, kMlp},
    {"mixer.", kExpertTensors, kExperts},
    {"mixer.", kLatentTensors, kLatent},
    {"mixer.shared_experts.", kSharedTensors, kSharedExpert},
};

// Older files have a letter for each layer, newer ones a list of words.
Result<std::vector<LayerParts>> read_layers(const Config& config, const ModelFacts& facts) {
    constexpr std::string_view kList[] = {"layers_block_type", "layer_types"};
    constexpr LayerWord kWordsOfLayers[] = {{"mamba", kMamba},
                                            {"linear_attention", kMamba},
                                            {"attention", kAttention},
                                            {"full_attention", kAttention},
                                            {"mlp", kMlp},
                                            {"moe", kExperts}};
    constexpr LayerLetter kLetters[] = {{'M', kMamba}, {'*', kAttention}, {'-', kMlp}, {'E', kExperts}};
    KRAIT_TRY(auto layers,
              read_layer_lists(
                  config, facts.size("block_count"),
                  {.word_lists = kList, .words = kWordsOfLayers, .pattern = "hybrid_override_pattern", .letters = kLetters}));
    for (LayerParts& layer : layers)
        if (layer & kExperts) layer |= kSharedExpert | (facts.size(".latent") > 0 ? kLatent : kAnyLayer);
    return layers;
}

Result<void> finish(const Config& config, ModelFacts& facts) {
    const auto has = [&](LayerPart part) {
        return std::ranges::any_of(facts.layers, [&](LayerParts l) { return (l & part) != 0; });
    };
    std::vector<int32_t> widths;
    for (const LayerParts layer : facts.layers)
        widths.push_back(static_cast<int32_t>(layer & kMlp       ? facts.size(".mlp_width")
                                              : layer & kExperts ? facts.size(".expert_width")
                                                                 : 0));
    facts.add("feed_forward_length", GgufArray(std::move(widths)));
    facts.add("attention.layer_norm_epsilon", static_cast<float>(facts.norm_eps));  // llama.cpp asks for it, too
    if (!has(kExperts)) return {};
    if (facts.has(Presence::with_mlp_bias))
        return fail(ErrorCode::unsupported, "{}: 'mlp_bias' is true: experts with biases are not supported", config.file());
    constexpr std::string_view kNormalize[] = {"norm_topk_prob"};
    KRAIT_TRY(const auto norm, config.boolean(kNormalize));
    facts.ours = "nemotron_h_moe";
    constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
        {"expert_count", ".expert_count"},
        {"expert_used_count", ".expert_used_count"},
        {"expert_feed_forward_length", ".expert_width"},
        {"expert_shared_feed_forward_length", ".expert_shared_width"},
        {"expert_shared_count", ".expert_shared_count"},
        {"expert_group_count", ".expert_group_count"},
        {"expert_group_used_count", ".expert_group_used_count"},
        {"moe_latent_size", ".latent"},
    };
    for (const auto& [key, size] : kKeys) facts.sizes[std::string(key)] = facts.size(size);
    facts.add("expert_weights_norm", norm.value_or(true));
    facts.add("expert_weights_scale", static_cast<float>(facts.number(".expert_scale")));
    facts.add("expert_gating_func", uint32_t{2});  // sigmoid
    return {};
}

constexpr std::string_view kClasses[] = {"NemotronHForCausalLM"};

}  // namespace

constinit const Architecture kNemotronH{.title = "Nemotron-H",
                                        .model_type = "nemotron_h",
                                        .classes = kClasses,
                                        .ours = "nemotron_h",
                                        .sizes = kSizes,
                                        .groups = kGroups,
                                        .global_tensors = kGlobal,
                                        .prefix = "backbone.",
                                        .flags = kFlags,
                                        .switches = kNormSwitch,
                                        .words = kWords,
                                        .is_tied_by_default = false,
                                        .numbers = kNumbers,
                                        .read_layers = read_layers,
                                        .finish = finish,
                                        .dropped = "mtp."};

}  // namespace krait::huggingface
