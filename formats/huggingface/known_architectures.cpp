// SPDX-License-Identifier: Apache-2.0
//
// All kinds of checkpoints, and the tables of Mamba, Falcon-Mamba and Mamba-2; those of hybrids lie in hybrids/.
#include "formats/huggingface/architectures.hpp"

#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

int64_t expanded(const Sizes& s) { return at(s, ".expand") * at(s, "embedding_length"); }
int64_t sixteenth(const Sizes& s) { return (at(s, "embedding_length") + 15) / 16; }
int64_t head_count(const Sizes& s) { return at(s, "ssm.inner_size") / at(s, ".head_dim"); }

// Names: of state-spaces' own checkpoints, of transformers, of older ones and of Mistral.
#define KRAIT_COMMON_SIZES(d_state)                                                                                         \
    {"embedding_length", {"d_model", "hidden_size", "dim"}}, {"block_count", {"n_layer", "num_hidden_layers", "n_layers"}}, \
        {"vocab_size", {"vocab_size"}}, {".expand", {"expand", "ssm_cfg.expand"}, constant<2>},                             \
        {"ssm.inner_size", {"d_inner", "intermediate_size"}, expanded},                                                     \
        {"ssm.state_size", {"state_size", "d_state", "ssm_cfg.d_state"}, constant<d_state>}, {                              \
        "ssm.conv_kernel", {"conv_kernel", "d_conv", "ssm_cfg.d_conv"}, constant<4>                                         \
    }

constexpr SizeRule kMambaSizes[] = {
    KRAIT_COMMON_SIZES(16),
    {"ssm.time_step_rank", {"time_step_rank", "dt_rank", "ssm_cfg.dt_rank"}, sixteenth},
};
// The rank of dt that transformers writes for Mamba-2 is of no use; GGUF keeps the number of heads under that key.
constexpr SizeRule kMamba2Sizes[] = {
    KRAIT_COMMON_SIZES(128),
    {".head_dim", {"head_dim", "ssm_cfg.headdim"}, constant<64>},
    {"ssm.time_step_rank", {"num_heads"}, head_count},
};
#undef KRAIT_COMMON_SIZES

constexpr TensorRule kGlobal[] = {
    {"embeddings.weight", "token_embd.weight", Values::as_they_are},
    {"norm_f.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight", Values::as_they_are, Shape::as_it_is, Presence::untied},
};

constexpr TensorRule kMambaLayer[] = {
    {"norm.weight", "attn_norm.weight"},
    {"mixer.in_proj.weight", "ssm_in.weight", Values::as_they_are},
    {"mixer.in_proj.bias", "ssm_in.bias", Values::float32, Shape::as_it_is, Presence::with_bias},
    {"mixer.conv1d.weight", "ssm_conv1d.weight", Values::float32, Shape::without_middle},
    {"mixer.conv1d.bias", "ssm_conv1d.bias", Values::float32, Shape::as_it_is, Presence::with_conv_bias},
    {"mixer.x_proj.weight", "ssm_x.weight", Values::as_they_are},
    {"mixer.dt_proj.weight", "ssm_dt.weight", Values::as_they_are},
    {"mixer.dt_proj.bias", "ssm_dt.bias"},
    {"mixer.A_log", "ssm_a", Values::minus_exp},
    {"mixer.D", "ssm_d"},
    {"mixer.out_proj.weight", "ssm_out.weight", Values::as_they_are},
    {"mixer.out_proj.bias", "ssm_out.bias", Values::float32, Shape::as_it_is, Presence::with_bias},
};
constexpr TensorRule kNorm[] = {{"norm.weight", "attn_norm.weight"}};
constexpr TensorGroup kMambaGroups[] = {{"", kMambaLayer}};
constexpr TensorGroup kMamba2Groups[] = {{"", kNorm}, {"mixer.", kMamba2Tensors}};

constexpr std::string_view kMambaClasses[] = {"MambaForCausalLM", "MambaLMHeadModel"};
constexpr std::string_view kFalconClasses[] = {"FalconMambaForCausalLM"};
constexpr std::string_view kMamba2Classes[] = {"Mamba2ForCausalLM"};

constexpr FlagRule kFlags[] = {
    {Presence::with_bias, {"use_bias", "bias", "ssm_cfg.bias"}, false},
    {Presence::with_conv_bias, {"use_conv_bias", "conv_bias", "ssm_cfg.conv_bias"}, true},
    {Presence::with_gated_norm, {}, true},
};
constexpr SwitchRule kSwitches[] = {
    {{"rms_norm"}, true, "Krait's norms are RMS norms"},
    {{"ssm_cfg.D_has_hdim"}, false, "D has one number a head here"},
    {{"ssm_cfg.norm_before_gate"}, false, "the gate comes before the norm here"},
};
constexpr WordRule kWords[] = {{"hidden_act", {"silu", "swish"}}};

#define KRAIT_MAMBA(name, type, of_classes, gguf, of_sizes, of_groups)                                              \
    .title = name, .model_type = type, .classes = of_classes, .ours = gguf, .sizes = of_sizes, .groups = of_groups, \
    .global_tensors = kGlobal, .prefix = "backbone.", .flags = kFlags, .switches = kSwitches, .words = kWords
constexpr Architecture kMambaKind{KRAIT_MAMBA("Mamba", "mamba", kMambaClasses, "mamba", kMambaSizes, kMambaGroups)};
constexpr Architecture kFalconMambaKind{
    KRAIT_MAMBA("Falcon-Mamba", "falcon_mamba", kFalconClasses, "mamba", kMambaSizes, kMambaGroups), .norms_dt_b_c = true};
constexpr Architecture kMamba2Kind{KRAIT_MAMBA("Mamba-2", "mamba2", kMamba2Classes, "mamba2", kMamba2Sizes, kMamba2Groups),
                                   .n_group_default = 8, .is_tied_by_default = false};
#undef KRAIT_MAMBA

constexpr const Architecture* kArchitectures[] = {
    &kMambaKind, &kFalconMambaKind, &kMamba2Kind, &kGraniteHybrid, &kBamba,  &kNemotronH,
    &kFalconH1,  &kJamba,           &kLfm2,       &kLfm2Moe,       &kZamba2,
};

}  // namespace

std::span<const Architecture* const> architectures() { return kArchitectures; }

}  // namespace krait::huggingface
