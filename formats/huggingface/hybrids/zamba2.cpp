// SPDX-License-Identifier: Apache-2.0
//
// Zamba2: Mamba-2 in every layer, and few blocks of attention and a network that several layers share (docs/zamba2-gguf.md). In
// a checkpoint a block lies in the first layer that uses it, with the adapters of all layers that do; copies in later layers
// are checked and left out (tensor_map.cpp).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "formats/huggingface/hybrids/hybrids.hpp"

namespace krait::huggingface {
namespace {

int64_t doubled_width(const Sizes& s) { return 2 * at(s, "embedding_length") / at(s, "attention.head_count"); }
int64_t four_widths(const Sizes& s) { return 4 * at(s, "embedding_length"); }

constexpr SizeRule kSizes[] = {
    {"context_length", {"max_position_embeddings"}, constant<4096>},
    {"embedding_length", {"hidden_size"}},
    {"vocab_size", {"vocab_size"}},
    {"block_count", {"num_hidden_layers"}},
    {"feed_forward_length", {"intermediate_size", "ffn_hidden_size"}, four_widths},
    {"attention.head_count", {"num_attention_heads"}},
    {".head_count_kv", {"num_key_value_heads"}, heads_of_queries},
    {"attention.key_length", {}, doubled_width},
    {"attention.value_length", {}, doubled_width},
    {".expand", {"mamba_expand"}, constant<2>},
    {"ssm.conv_kernel", {"mamba_d_conv"}, constant<4>},
    {"ssm.state_size", {"mamba_d_state"}},
    {"ssm.group_count", {"mamba_ngroups"}, constant<1>},
    {"ssm.inner_size", {}, inner_by_expansion},
    {"ssm.time_step_rank", {"n_mamba_heads"}},
    {".head_dim", {"mamba_headdim"}, inner_by_heads},
    {"shared_block_count", {"num_mem_blocks"}, constant<1>},
    {"adapter_rank", {"adapter_rank"}, constant<128>},
};
constexpr NumberRule kNumbers[] = {rope_base(".rope_base", 10000)};
constexpr FlagRule kFlags[] = {
    {Presence::with_bias, {}, false},
    {Presence::with_conv_bias, {}, true},
    {Presence::with_gated_norm, {}, true},
    {Presence::with_attention_adapters, {"use_shared_attention_adapter"}, false},
};
constexpr SwitchRule kSwitches[] = {
    {{"add_bias_linear"}, false, "linear layers have no biases here"},
    {{"use_conv_bias"}, true, "the convolution has a bias here"},
    {{"use_long_context"}, false, "its frequencies of rope are those of its base"},
};
constexpr WordRule kWords[] = {{"hidden_act", {"gelu"}}};

constexpr TensorRule kMambaNorm[] = {{"input_layernorm.weight", "attn_norm.weight"}};
constexpr TensorRule kHybridTensors[] = {
    matrix("linear.weight", "attn_linear.weight"),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_q_adapter_list.{}.0.weight", "attn_q_lora_a.weight")),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_q_adapter_list.{}.1.weight", "attn_q_lora_b.weight")),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_k_adapter_list.{}.0.weight", "attn_k_lora_a.weight")),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_k_adapter_list.{}.1.weight", "attn_k_lora_b.weight")),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_v_adapter_list.{}.0.weight", "attn_v_lora_a.weight")),
    when(Presence::with_attention_adapters,
         matrix("shared_transformer.self_attn.linear_v_adapter_list.{}.1.weight", "attn_v_lora_b.weight")),
    matrix("shared_transformer.feed_forward.gate_up_proj_adapter_list.{}.0.weight", "ffn_gate_up_lora_a.weight"),
    part(0, 2, matrix("shared_transformer.feed_forward.gate_up_proj_adapter_list.{}.1.weight", "ffn_gate_lora_b.weight")),
    part(1, 2, matrix("shared_transformer.feed_forward.gate_up_proj_adapter_list.{}.1.weight", "ffn_up_lora_b.weight")),
};
constexpr TensorRule kBlockTensors[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    matrix("self_attn.q_proj.weight", "attn_q.weight"),
    matrix("self_attn.k_proj.weight", "attn_k.weight"),
    matrix("self_attn.v_proj.weight", "attn_v.weight"),
    matrix("self_attn.o_proj.weight", "attn_output.weight"),
    {"pre_ff_layernorm.weight", "ffn_norm.weight"},
    part(0, 2, matrix("feed_forward.gate_up_proj.weight", "ffn_gate.weight")),
    part(1, 2, matrix("feed_forward.gate_up_proj.weight", "ffn_up.weight")),
    matrix("feed_forward.down_proj.weight", "ffn_down.weight"),
};
constexpr TensorGroup kGroups[] = {
    {"shared_transformer.", kBlockTensors, kBlock},
    {"", kHybridTensors, kSharedBlock},
    {"", kMambaNorm, kMamba},
    {"mamba.", kMamba2Tensors, kMamba},
};

Result<std::vector<LayerParts>> read_layers(const Config& config, const ModelFacts& facts) {
    constexpr std::string_view kNames[] = {"layers_block_type", "layer_types"};
    constexpr LayerWord kWordsOfLayers[] = {
        {"mamba", kMamba}, {"linear_attention", kMamba}, {"hybrid", kMamba | kAttention | kSharedBlock}};
    constexpr std::string_view kIndices[] = {"hybrid_layer_ids"};
    if (!config.find(Names(kNames))) return config.missing(kNames, "a list of words, 'mamba' or 'hybrid' for each layer,");
    return read_layer_lists(config, facts.size("block_count"),
                            {.word_lists = kNames,
                             .words = kWordsOfLayers,
                             .index_lists = kIndices,
                             .attending = kMamba | kAttention | kSharedBlock,
                             .others = kMamba});
}

Result<void> finish(const Config& config, ModelFacts& facts) {
    constexpr std::string_view kRope[] = {"use_mem_rope"};
    KRAIT_TRY(const auto has_rope, config.boolean(kRope));
    const int64_t key_length = facts.size("attention.key_length");
    facts.add("attention.scale", static_cast<float>(1.0 / std::sqrt(static_cast<double>(key_length) / 2.0)));
    if (has_rope.value_or(false)) {
        KRAIT_CHECK(check_rope(config, key_length));
        facts.sizes["rope.dimension_count"] = key_length;
        facts.add("rope.freq_base", static_cast<float>(facts.number(".rope_base")));
    }
    // transformers has this epsilon in the gated norm, whatever the setting is.
    if (facts.norm_eps != 1e-5)
        return fail(ErrorCode::unsupported,
                    "{}: 'rms_norm_eps' is {}; 1e-05, that of the norm inside of the mixers, is supported", config.file(),
                    facts.norm_eps);
    return {};
}

// A hybrid layer's own tensors are named like those of any other, and a block by the layers that use it.
void relocate(const ModelFacts& facts, Place& place) {
    constexpr std::string_view kMixer = "mamba_decoder.", kShared = "shared_transformer.", kAdapters = "_adapter_list.";
    if (place.rest.starts_with(kMixer)) {
        place.rest.erase(0, kMixer.size());
        return;
    }
    if (!place.rest.starts_with(kShared)) return;
    std::vector<int64_t> users;
    for (size_t i = 0; i < facts.layers.size(); ++i)
        if (facts.layers[i] & kSharedBlock) users.push_back(static_cast<int64_t>(i));
    const int64_t n_block = facts.size("shared_block_count"), use = std::ranges::find(users, place.layer) - users.begin();
    if (use == std::ssize(users)) return;
    place.is_copy = use >= n_block;
    const size_t list = place.rest.find(kAdapters);
    if (list == std::string::npos) {
        place.layer = facts.size("block_count") + use % n_block;
        return;
    }
    const size_t first = list + kAdapters.size(), end = place.rest.find('.', first);
    int64_t of_use = -1;
    const char* const begin = place.rest.data();
    if (end == std::string::npos || std::from_chars(begin + first, begin + end, of_use).ptr != begin + end) return;
    if (of_use < 0 || of_use >= std::ssize(users) || of_use % n_block != use % n_block) return;
    place.layer = users[static_cast<size_t>(of_use)];
    place.rest.replace(first, end - first, "{}");
}

constexpr std::string_view kClasses[] = {"Zamba2ForCausalLM"};

}  // namespace

constinit const Architecture kZamba2{.title = "Zamba2",
                                     .model_type = "zamba2",
                                     .classes = kClasses,
                                     .ours = "zamba2",
                                     .sizes = kSizes,
                                     .groups = kGroups,
                                     .global_tensors = kFinalNormTensors,
                                     .prefix = "model.",
                                     .flags = kFlags,
                                     .switches = kSwitches,
                                     .words = kWords,
                                     .numbers = kNumbers,
                                     .read_layers = read_layers,
                                     .finish = finish,
                                     .relocate = relocate};

}  // namespace krait::huggingface
