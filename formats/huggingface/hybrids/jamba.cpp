// SPDX-License-Identifier: Apache-2.0
//
// Jamba: Mamba with weighted norms on dt, B and C, an attention every few layers, and experts every other one.
#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

int64_t sixteenth(const Sizes& s) { return (at(s, "embedding_length") + 15) / 16; }
int64_t several_experts(const Sizes& s) { return at(s, ".expert_count") > 1 ? at(s, ".expert_count") : 0; }

constexpr SizeRule kSizesOfItsOwn[] = {
    {"block_count", {"num_hidden_layers"}},
    {"feed_forward_length", {"intermediate_size"}},
    {".expand", {"mamba_expand"}, constant<2>},
    {"ssm.inner_size", {}, inner_by_expansion},
    {"ssm.conv_kernel", {"mamba_d_conv"}, constant<4>},
    {"ssm.state_size", {"mamba_d_state"}, constant<16>},
    {"ssm.time_step_rank", {"mamba_dt_rank"}, sixteenth},
    {".attention_period", {"attn_layer_period"}, constant<8>},
    {".attention_offset", {"attn_layer_offset"}, constant<4>, 0},
    {".expert_period", {"expert_layer_period"}, constant<2>},
    {".expert_offset", {"expert_layer_offset"}, constant<1>, 0},
    {".expert_count", {"num_experts", "num_local_experts"}, constant<16>, 0},
    {"expert_count", {}, several_experts, 0},  // one expert is a plain network
    {".expert_used_count", {"num_experts_per_tok"}, constant<2>, 0},
    {"expert_used_count", {}, used_experts, 0},
};
constexpr auto kSizes = joined(kAttentionSizes, kSizesOfItsOwn);
constexpr FlagRule kFlags[] = {
    {Presence::with_bias, {"mamba_proj_bias"}, false},
    {Presence::with_conv_bias, {"mamba_conv_bias"}, true},
};

constexpr TensorRule kNorms[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"pre_ff_layernorm.weight", "ffn_norm.weight"},
};
constexpr TensorRule kMambaTensors[] = {
    matrix("in_proj.weight", "ssm_in.weight"),
    when(Presence::with_bias, {"in_proj.bias", "ssm_in.bias"}),
    shaped(Shape::without_middle, {"conv1d.weight", "ssm_conv1d.weight"}),
    when(Presence::with_conv_bias, {"conv1d.bias", "ssm_conv1d.bias"}),
    matrix("x_proj.weight", "ssm_x.weight"),
    {"dt_layernorm.weight", "ssm_dt_norm.weight"},
    {"b_layernorm.weight", "ssm_b_norm.weight"},
    {"c_layernorm.weight", "ssm_c_norm.weight"},
    matrix("dt_proj.weight", "ssm_dt.weight"),
    {"dt_proj.bias", "ssm_dt.bias"},
    {"A_log", "ssm_a", Values::minus_exp},
    {"D", "ssm_d"},
    matrix("out_proj.weight", "ssm_out.weight"),
    when(Presence::with_bias, {"out_proj.bias", "ssm_out.bias"}),
};
// Files may have the network of a layer without a choice as its only expert.
constexpr TensorRule kMlpTensors[] = {
    matrix("gate_proj.weight", "ffn_gate.weight"), matrix("experts.{}.gate_proj.weight", "ffn_gate.weight"),
    matrix("up_proj.weight", "ffn_up.weight"),     matrix("experts.{}.up_proj.weight", "ffn_up.weight"),
    matrix("down_proj.weight", "ffn_down.weight"), matrix("experts.{}.down_proj.weight", "ffn_down.weight"),
};
constexpr TensorRule kExpertTensors[] = {
    {"router.weight", "ffn_gate_inp.weight"},
    shaped(Shape::experts, matrix("experts.{}.gate_proj.weight", "ffn_gate_exps.weight")),
    part(0, 2, shaped(Shape::experts, matrix("experts.gate_up_proj", "ffn_gate_exps.weight"))),
    shaped(Shape::experts, matrix("experts.{}.up_proj.weight", "ffn_up_exps.weight")),
    part(1, 2, shaped(Shape::experts, matrix("experts.gate_up_proj", "ffn_up_exps.weight"))),
    shaped(Shape::experts, matrix("experts.{}.down_proj.weight", "ffn_down_exps.weight")),
    shaped(Shape::experts, matrix("experts.down_proj", "ffn_down_exps.weight")),
};
constexpr TensorGroup kGroups[] = {
    {"", kNorms},
    {"mamba.", kMambaTensors, kMamba},
    {"self_attn.", kAttentionTensors, kAttention},
    {"feed_forward.", kMlpTensors, kMlp},
    {"feed_forward.", kExpertTensors, kExperts},
};

Result<std::vector<LayerParts>> read_layers(const Config&, const ModelFacts& facts) {
    std::vector<LayerParts> layers;
    for (int64_t i = 0; i < facts.size("block_count"); ++i) {
        const bool attends = i % facts.size(".attention_period") == facts.size(".attention_offset");
        const bool mixes = facts.size("expert_count") > 0 && i % facts.size(".expert_period") == facts.size(".expert_offset");
        layers.push_back((attends ? kAttention : kMamba) | (mixes ? kExperts : kMlp));
    }
    return layers;
}

constexpr std::string_view kClasses[] = {"JambaForCausalLM"};

}  // namespace

constinit const Architecture kJamba{.title = "Jamba",
                                    .model_type = "jamba",
                                    .classes = kClasses,
                                    .ours = "jamba",
                                    .sizes = kSizes,
                                    .groups = kGroups,
                                    .global_tensors = kFinalNormTensors,
                                    .prefix = "model.",
                                    .flags = kFlags,
                                    .switches = kNormSwitch,
                                    .words = kSilu,
                                    .is_tied_by_default = false,
                                    .read_layers = read_layers,
                                    .eps_default = 1e-6};

}  // namespace krait::huggingface
