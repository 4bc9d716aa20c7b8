// SPDX-License-Identifier: Apache-2.0
//
// Falcon-H1: attention and Mamba-2 side by side in every layer. Its checkpoints keep factors apart from the weights (muP); they
// are worked into them here, as llama.cpp's converter does. Every factor stands before or behind a matrix, so the result is the
// same.
#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

constexpr SizeRule kSizesOfItsOwn[] = {
    {"block_count", {"num_hidden_layers"}},
    {"feed_forward_length", {"intermediate_size"}},
    {"rope.dimension_count", {}, key_length},
};
constexpr auto kSizes = joined(kAttentionSizes, kMamba2Sizes, kSizesOfItsOwn);
constexpr NumberRule kNumbers[] = {
    rope_base("rope.freq_base", 10000),
    weight_factor(".embedding", "embedding_multiplier"),
    weight_factor(".head", "lm_head_multiplier"),
    weight_factor(".attention_in", "attention_in_multiplier"),
    weight_factor(".attention_out", "attention_out_multiplier"),
    weight_factor(".key", "key_multiplier"),
    weight_factor(".ssm_in", "ssm_in_multiplier"),
    weight_factor(".ssm_out", "ssm_out_multiplier"),
    weight_factor(".z", "ssm_multipliers.0"),
    weight_factor(".x", "ssm_multipliers.1"),
    weight_factor(".b", "ssm_multipliers.2"),
    weight_factor(".c", "ssm_multipliers.3"),
    weight_factor(".dt", "ssm_multipliers.4"),
    weight_factor(".gate", "mlp_multipliers.0"),
    weight_factor(".down", "mlp_multipliers.1"),
};
constexpr FlagRule kFlags[] = {
    {Presence::with_conv_bias, {"mamba_conv_bias"}, true},
    {Presence::with_gated_norm, {"mamba_rms_norm"}, false},
};
constexpr SwitchRule kSwitches[] = {
    {{"attention_bias"}, false, "biases beside its factors are not supported"},
    {{"mlp_bias"}, false, "biases beside its factors are not supported"},
    {{"mamba_proj_bias"}, false, "biases beside its factors are not supported"},
    {{"projectors_bias"}, false, "biases beside its factors are not supported"},
};

constexpr TensorRule kGlobal[] = {
    times(".embedding", matrix("embeddings.weight", "token_embd.weight")),
    {"final_layernorm.weight", "output_norm.weight"},
    when(Presence::untied, times(".head", matrix("lm_head.weight", "output.weight"))),
    when(Presence::with_head_apart, times(".head", matrix("embeddings.weight", "output.weight"))),
};
constexpr TensorRule kNorms[] = {
    {"input_layernorm.weight", "attn_norm.weight"}, {"pre_ff_layernorm.weight", "ffn_norm"},  // llama.cpp's name for it
};
constexpr TensorRule kAttentionWithFactors[] = {
    times(".attention_in", matrix("q_proj.weight", "attn_q.weight")),
    times(".attention_in", matrix("k_proj.weight", "attn_k.weight"), ".key"),
    times(".attention_in", matrix("v_proj.weight", "attn_v.weight")),
    times(".attention_out", matrix("o_proj.weight", "attn_output.weight")),
};
constexpr TensorRule in_projection() {
    TensorRule rule = times(".ssm_in", matrix("in_proj.weight", "ssm_in.weight"));
    rule.factors = Factors::in_projection;
    return rule;
}
constexpr TensorRule kMamba2WithFactors[] = {
    in_projection(),
    shaped(Shape::without_middle, {"conv1d.weight", "ssm_conv1d.weight"}),
    when(Presence::with_conv_bias, {"conv1d.bias", "ssm_conv1d.bias"}),
    {"dt_bias", "ssm_dt.bias"},
    {"A_log", "ssm_a", Values::minus_exp, Shape::column},
    shaped(Shape::column, {"D", "ssm_d"}),
    when(Presence::with_gated_norm, shaped(Shape::groups, {"norm.weight", "ssm_norm.weight"})),
    times(".ssm_out", matrix("out_proj.weight", "ssm_out.weight")),
};
constexpr TensorRule kMlpWithFactors[] = {
    times(".gate", matrix("gate_proj.weight", "ffn_gate.weight")),
    matrix("up_proj.weight", "ffn_up.weight"),
    times(".down", matrix("down_proj.weight", "ffn_down.weight")),
};
constexpr TensorGroup kGroups[] = {
    {"", kNorms},
    {"mamba.", kMamba2WithFactors},
    {"self_attn.", kAttentionWithFactors},
    {"feed_forward.", kMlpWithFactors},
};

Result<std::vector<LayerParts>> read_layers(const Config&, const ModelFacts& facts) {
    return std::vector<LayerParts>(static_cast<size_t>(facts.size("block_count")), kMamba | kAttention | kMlp);
}

Result<void> finish(const Config& config, ModelFacts& facts) {
    constexpr std::pair<std::string_view, size_t> kLists[] = {{"ssm_multipliers", 5}, {"mlp_multipliers", 2}};
    for (const auto& [name, size] : kLists)
        if (const JsonValue* list = config.find(name); list && (!list->is(JsonValue::Kind::list) || list->list.size() != size))
            return config.wrong(Names(&name, 1), *list, fmt::format("a list of {} numbers", size));
    if (facts.has(Presence::with_gated_norm)) {
        constexpr std::string_view kOrder[] = {"mamba_norm_before_gate"};
        KRAIT_TRY(const auto norm_first, config.boolean(kOrder));
        if (norm_first.value_or(true))
            return fail(
                ErrorCode::unsupported,
                "{}: 'mamba_norm_before_gate' is true, or is not there, which means the same; with 'mamba_rms_norm' the gate "
                "comes before the norm here",
                config.file());
    }
    // A tied embedding has two factors: one as embedding, one as head.
    if (facts.is_tied && facts.number(".embedding") != facts.number(".head")) facts.flags[Presence::with_head_apart] = true;
    return check_rope(config, facts.size("rope.dimension_count"));
}

constexpr std::string_view kClasses[] = {"FalconH1ForCausalLM"};

}  // namespace

constinit const Architecture kFalconH1{.title = "Falcon-H1",
                                       .model_type = "falcon_h1",
                                       .classes = kClasses,
                                       .ours = "falcon-h1",
                                       .sizes = kSizes,
                                       .groups = kGroups,
                                       .global_tensors = kGlobal,
                                       .prefix = "model.",
                                       .flags = kFlags,
                                       .switches = kSwitches,
                                       .words = kSilu,
                                       .is_tied_by_default = false,
                                       .numbers = kNumbers,
                                       .read_layers = read_layers,
                                       .finish = finish};

}  // namespace krait::huggingface
