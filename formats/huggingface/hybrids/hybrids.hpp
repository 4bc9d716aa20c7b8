// SPDX-License-Identifier: Apache-2.0
//
// The kinds of checkpoints with attention, experts or short convolutions beside or instead of scans, and parts that their
// tables share.
#pragma once

#include "formats/huggingface/metadata.hpp"

namespace krait::huggingface {

extern const Architecture kGraniteHybrid, kBamba, kNemotronH, kFalconH1, kJamba, kLfm2, kLfm2Moe, kZamba2;

// ---- rules ----

constexpr TensorRule matrix(std::string_view theirs, std::string_view ours) { return {theirs, ours, Values::as_they_are}; }
constexpr TensorRule when(Presence presence, TensorRule rule) {
    rule.presence = presence;
    return rule;
}
constexpr TensorRule shaped(Shape shape, TensorRule rule) {
    rule.shape = shape;
    return rule;
}
// Part `index` of `count`, by rows.
constexpr TensorRule part(int32_t index, int32_t count, TensorRule rule) {
    rule.part = index;
    rule.parts = count;
    return rule;
}
constexpr TensorRule permuted(TensorRule rule) {
    rule.permuted = true;
    return rule;
}
constexpr TensorRule times(std::string_view number, TensorRule rule, std::string_view other = {}) {
    rule.factors = Factors::one;
    rule.numbers = {number, other};
    return rule;
}

inline constexpr TensorRule kMamba2Tensors[] = {
    matrix("in_proj.weight", "ssm_in.weight"),
    when(Presence::with_bias, {"in_proj.bias", "ssm_in.bias"}),
    shaped(Shape::without_middle, {"conv1d.weight", "ssm_conv1d.weight"}),
    when(Presence::with_conv_bias, {"conv1d.bias", "ssm_conv1d.bias"}),
    {"dt_bias", "ssm_dt.bias"},
    {"A_log", "ssm_a", Values::minus_exp, Shape::column},
    shaped(Shape::column, {"D", "ssm_d"}),
    when(Presence::with_gated_norm, shaped(Shape::groups, {"norm.weight", "ssm_norm.weight"})),
    matrix("out_proj.weight", "ssm_out.weight"),
    when(Presence::with_bias, {"out_proj.bias", "ssm_out.bias"}),
};
inline constexpr TensorRule kAttentionTensors[] = {
    matrix("q_proj.weight", "attn_q.weight"),      when(Presence::with_attention_bias, {"q_proj.bias", "attn_q.bias"}),
    matrix("k_proj.weight", "attn_k.weight"),      when(Presence::with_attention_bias, {"k_proj.bias", "attn_k.bias"}),
    matrix("v_proj.weight", "attn_v.weight"),      when(Presence::with_attention_bias, {"v_proj.bias", "attn_v.bias"}),
    matrix("o_proj.weight", "attn_output.weight"), when(Presence::with_attention_bias, {"o_proj.bias", "attn_output.bias"}),
};
// With rows of queries and keys permuted.
inline constexpr TensorRule kPermutedAttentionTensors[] = {
    permuted(matrix("q_proj.weight", "attn_q.weight")),
    permuted(when(Presence::with_attention_bias, {"q_proj.bias", "attn_q.bias"})),
    permuted(matrix("k_proj.weight", "attn_k.weight")),
    permuted(when(Presence::with_attention_bias, {"k_proj.bias", "attn_k.bias"})),
    matrix("v_proj.weight", "attn_v.weight"),
    when(Presence::with_attention_bias, {"v_proj.bias", "attn_v.bias"}),
    matrix("o_proj.weight", "attn_output.weight"),
    when(Presence::with_attention_bias, {"o_proj.bias", "attn_output.bias"}),
};
inline constexpr TensorRule kGatedMlpTensors[] = {
    matrix("gate_proj.weight", "ffn_gate.weight"), when(Presence::with_mlp_bias, {"gate_proj.bias", "ffn_gate.bias"}),
    matrix("up_proj.weight", "ffn_up.weight"),     when(Presence::with_mlp_bias, {"up_proj.bias", "ffn_up.bias"}),
    matrix("down_proj.weight", "ffn_down.weight"), when(Presence::with_mlp_bias, {"down_proj.bias", "ffn_down.bias"}),
};
// The final norm of most kinds; it has other names elsewhere.
inline constexpr TensorRule kFinalNormTensors[] = {
    matrix("embeddings.weight", "token_embd.weight"),
    {"final_layernorm.weight", "output_norm.weight"},
    when(Presence::untied, matrix("lm_head.weight", "output.weight")),
};

inline constexpr SwitchRule kNormSwitch[] = {{{"rms_norm"}, true, "Krait's norms are RMS norms"}};
inline constexpr WordRule kSilu[] = {{"hidden_act", {"silu", "swish"}}};

// ---- sizes ----

int64_t heads_of_queries(const Sizes& sizes);  // as many heads of keys
int64_t width_by_heads(const Sizes& sizes);    // embedding / heads
int64_t key_length(const Sizes& sizes);
int64_t inner_by_expansion(const Sizes& sizes);
int64_t inner_by_heads(const Sizes& sizes);  // inner size / heads of the scan
int64_t used_experts(const Sizes& sizes);    // ".expert_used_count" where there are experts

inline constexpr SizeRule kAttentionSizes[] = {
    {"context_length", {"max_position_embeddings"}, constant<int64_t{1} << 20>},
    {"embedding_length", {"hidden_size"}},
    {"vocab_size", {"vocab_size"}},
    {"attention.head_count", {"num_attention_heads"}},
    {".head_count_kv", {"num_key_value_heads"}, heads_of_queries},
    {"attention.key_length", {"head_dim", "attention_head_dim"}, width_by_heads},
    {"attention.value_length", {}, key_length},
};
inline constexpr SizeRule kMamba2Sizes[] = {
    {".expand", {"mamba_expand"}, constant<2>},
    {"ssm.conv_kernel", {"mamba_d_conv"}, constant<4>},
    {"ssm.state_size", {"mamba_d_state"}},
    {"ssm.group_count", {"mamba_n_groups"}, constant<1>},
    {"ssm.inner_size", {"mamba_d_ssm"}, inner_by_expansion},
    {"ssm.time_step_rank", {"mamba_n_heads"}},
    {".head_dim", {"mamba_d_head"}, inner_by_heads},
};
// Tables one after another: a fallback may use the sizes before it.
template <size_t... N>
constexpr auto joined(const SizeRule (&... tables)[N]) {
    std::array<SizeRule, (N + ...)> all{};
    size_t at = 0;
    const auto add = [&](std::span<const SizeRule> table) {
        for (const SizeRule& rule : table) all[at++] = rule;
    };
    (add(tables), ...);
    return all;
}

// ---- which layer is what ----

struct LayerWord {
    std::string_view word;
    LayerParts parts;
};
struct LayerLetter {
    char letter;
    LayerParts parts;
};
// The ways in which config.json may say what each layer is. Those that a file has must say the same.
struct LayerLists {
    Names word_lists;  // names of lists with a word for each layer
    std::span<const LayerWord> words;
    Names index_lists = {};                // names of lists of the layers that attend
    LayerParts attending = 0, others = 0;  // what layers are by such a list
    std::string_view pattern = {};         // the name of a text with a letter for each layer
    std::span<const LayerLetter> letters = {};
    bool others_by_default = false;  // without any list no layer attends; else that is an error
};
Result<std::vector<LayerParts>> read_layer_lists(const Config& config, int64_t n_layer, const LayerLists& lists);

// ---- numbers ----

// A factor of weights, which may have any sign.
constexpr NumberRule weight_factor(std::string_view key, std::string_view name) {
    return {.key = key, .names = {name}, .min = -kMaxFactor};
}
constexpr NumberRule rope_base(std::string_view key, double fallback) {
    return {.key = key,
            .names = {"rope_theta", "rope_parameters.rope_theta"},
            .fallback = fallback,
            .min = kMinRopeBase,
            .max = kMaxRopeBase};
}

// ---- checks ----

// Frequencies of rope are those of its base alone, for all of the n_rot elements of a head that turn; where some are scaled, or
// where sections of them do not add up, an error.
Result<void> check_rope(const Config& config, int64_t n_rot);

}  // namespace krait::huggingface
