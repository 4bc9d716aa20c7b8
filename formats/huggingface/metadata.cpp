// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/metadata.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

std::string known_kinds() {
    std::string names;
    for (const Architecture& known : architectures())
        names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", known.model_type, known.title);
    return names;
}

const Architecture* find_type(std::string_view type) {
    for (const Architecture& known : architectures())
        if (known.model_type == type) return &known;
    return nullptr;
}

const Architecture* find_class(std::string_view name) {
    for (const Architecture& known : architectures())
        if (std::ranges::find(known.classes, name) != known.classes.end()) return &known;
    return nullptr;
}

Result<void> choose_architecture(const Config& config, ModelFacts& facts) {
    constexpr std::string_view kType[] = {"model_type"}, kSettings[] = {"ssm_cfg"}, kLayer[] = {"ssm_cfg.layer"};
    if (const JsonValue* settings = config.find(kSettings); settings && !settings->is(JsonValue::Kind::object))
        return config.wrong(kSettings, *settings, "an object");
    KRAIT_TRY(const auto layer, config.text(kLayer));
    KRAIT_TRY(const auto type, config.text(kType));
    const JsonValue* classes = config.find("architectures");
    std::string name = type.value_or("");
    if (config.find("dim") && config.find("n_layers")) {
        // params.json of Mistral's own checkpoints: "mamba" is state-spaces' Mamba-2 there; without a kind it is a transformer.
        name = type.value_or("transformer");
        facts.is_official = true;
        if (name != "mamba" && name != "mamba2")
            return fail(ErrorCode::unsupported,
                        "{}: models of the kind {} are not supported; of those with 'dim' and 'n_layers', 'mamba' and 'mamba2' "
                        "are (both mean Mamba-2)",
                        config.file(), quote(name));
        if (layer && *layer != "Mamba2")
            return fail(ErrorCode::unsupported, "{}: 'ssm_cfg.layer' is {}; beside 'dim' and 'n_layers' 'Mamba2' is supported",
                        config.file(), quote(*layer));
        facts.architecture = find_type("mamba2");
    } else if (type) {
        facts.architecture = find_type(*type);
    } else if (classes && classes->is(JsonValue::Kind::list) && !classes->list.empty()) {
        name = classes->list[0].text;
        facts.architecture = find_class(name);
    } else if (config.find("ssm_cfg") && config.find("d_model")) {
        // state-spaces' own name nothing: a Mamba, unless the layer says otherwise.
        name = layer.value_or("Mamba1");
        facts.is_official = true;
        facts.architecture = name == "Mamba1" ? find_type("mamba") : name == "Mamba2" ? find_type("mamba2") : nullptr;
    } else {
        return config.missing(kType, "the kind of model, one of " + known_kinds());
    }
    if (facts.architecture) return {};
    return fail(ErrorCode::unsupported, "{}: models of the kind {} are not supported; known are {}", config.file(), quote(name),
                known_kinds());
}

Names given(std::span<const std::string_view> names) {
    return names.first(static_cast<size_t>(std::ranges::find(names, std::string_view()) - names.begin()));
}

Result<void> read_sizes(const Config& config, ModelFacts& facts) {
    for (const SizeRule& rule : facts.architecture->sizes) {
        const Names names = given(rule.names);
        const JsonValue* found = config.find(names);
        const bool is_auto = found && found->is(JsonValue::Kind::string) && found->text == "auto";
        std::optional<int64_t> value;
        if (!is_auto) {
            KRAIT_TRY(value, config.size(names));
        }
        if (!value && !rule.fallback) return config.missing(names, "a whole number");
        if (!value) value = rule.fallback(facts.sizes);
        if (*value < 1 || *value > INT32_MAX)
            return fail(ErrorCode::corrupt_file, "{}: '{}' would be {} by the other sizes; 1 to {} are possible", config.file(),
                        names.front(), *value, INT32_MAX);
        facts.sizes[std::string(rule.key)] = *value;
    }
    if (facts.architecture->n_group_default == 0) return {};
    constexpr std::string_view kGroups[] = {"n_groups", "ssm_cfg.ngroups"};
    KRAIT_TRY(const auto groups, config.size(kGroups));
    facts.sizes["ssm.group_count"] = groups.value_or(facts.is_official ? 1 : facts.architecture->n_group_default);
    const int64_t inner = facts.size("ssm.inner_size"), heads = facts.size("ssm.time_step_rank"),
                  n_group = facts.size("ssm.group_count");
    if (inner != heads * facts.size(".head_dim"))
        return fail(ErrorCode::corrupt_file, "{}: {} heads of {} are not the inner size, {}", config.file(), heads,
                    facts.size(".head_dim"), inner);
    if (heads % n_group != 0)
        return fail(ErrorCode::corrupt_file, "{}: {} groups do not divide the {} heads", config.file(), n_group, heads);
    return {};
}

// Settings that transformers and state-spaces know, and Krait's layers do not have.
Result<void> check_settings(const Config& config) {
    constexpr std::string_view kActivation[] = {"hidden_act"}, kLimit[] = {"time_step_limit", "ssm_cfg.dt_limit"},
                               kMlp[] = {"d_intermediate"}, kAttention[] = {"attn_layer_idx"};
    for (const SwitchRule& rule : switches()) {
        KRAIT_TRY(const auto value, config.boolean(given(rule.names)));
        if (value && *value != rule.wanted)
            return fail(ErrorCode::unsupported, "{}: '{}' is {}; {}", config.file(), rule.names[0], *value, rule.why);
    }
    KRAIT_TRY(const auto activation, config.text(kActivation));
    if (activation && *activation != "silu" && *activation != "swish")
        return fail(ErrorCode::unsupported, "{}: 'hidden_act' is {}; 'silu' is supported", config.file(), quote(*activation));
    if (const JsonValue* mlp = config.find(kMlp); mlp && mlp->number != 0)
        return fail(ErrorCode::unsupported, "{}: 'd_intermediate' is {}: layers with an MLP are not supported", config.file(),
                    mlp->text);
    if (const JsonValue* layers = config.find(kAttention); layers && !layers->list.empty())
        return fail(ErrorCode::unsupported, "{}: 'attn_layer_idx' names {} layers: attention is not supported", config.file(),
                    layers->list.size());
    if (config.find("quantization_config"))
        return fail(ErrorCode::unsupported,
                    "{}: 'quantization_config': weights of F32, F16 and BF16 are read; quantize them with --type",
                    config.file());
    if (const JsonValue* limit = config.find(kLimit)) {
        // [0, Infinity], which newer files write as {"__float__": "Infinity"}.
        const auto is_infinite = [](const JsonValue& v) {
            const JsonValue* named = v.find("__float__");
            return v.number == HUGE_VAL || (named && named->text == "Infinity");
        };
        if (limit->list.size() != 2 || limit->list[0].number != 0 || !is_infinite(limit->list[1]))
            return fail(ErrorCode::unsupported,
                        "{}: 'time_step_limit' at byte {}: limits of dt other than 0 and Infinity are not supported",
                        config.file(), limit->at);
    }
    return {};
}

Result<double> read_eps(const Config& config, Names names, double fallback) {
    KRAIT_TRY(const auto eps, config.number(names));
    if (eps && !(*eps >= 0 && *eps < 1)) return config.wrong(names, *config.find(names), "a number from 0 to 1");
    return eps.value_or(fallback);
}

}  // namespace

Result<ModelFacts> read_facts(const Config& config) {
    constexpr std::string_view kBias[] = {"use_bias", "bias", "ssm_cfg.bias"},
                               kConvBias[] = {"use_conv_bias", "conv_bias", "ssm_cfg.conv_bias"},
                               kTied[] = {"tie_word_embeddings", "tie_embeddings"}, kPad[] = {"pad_vocab_size_multiple"},
                               kEps[] = {"layer_norm_epsilon", "rms_norm_eps", "norm_epsilon"}, kMixerEps[] = {"mixer_rms_eps"};
    ModelFacts facts;
    KRAIT_CHECK(choose_architecture(config, facts));
    KRAIT_CHECK(read_sizes(config, facts));
    KRAIT_CHECK(check_settings(config));
    KRAIT_TRY(const auto bias, config.boolean(kBias));
    KRAIT_TRY(const auto conv_bias, config.boolean(kConvBias));
    KRAIT_TRY(const auto tied, config.boolean(kTied));
    facts.has_bias = bias.value_or(false);
    facts.has_conv_bias = conv_bias.value_or(true);
    facts.is_tied = tied.value_or(facts.is_official || facts.architecture->is_tied_by_default);
    KRAIT_TRY(const auto pad, config.size(kPad));
    const int64_t multiple = pad.value_or(facts.is_official ? 8 : 1), vocabulary = facts.size("vocab_size");
    facts.vocab_rows_max = (vocabulary + multiple - 1) / multiple * multiple;
    KRAIT_TRY(facts.norm_eps, read_eps(config, kEps, 1e-5));
    if (facts.architecture->norms_dt_b_c) {
        KRAIT_TRY(facts.mixer_norm_eps, read_eps(config, kMixerEps, 1e-6));
    }
    return facts;
}

std::vector<GgufMetadata> metadata_of(const ModelFacts& facts, std::string name, int64_t n_vocab) {
    const std::string ours(facts.architecture->ours);
    std::vector<GgufMetadata> entries;
    const auto add = [&](std::string_view key, GgufValue value) { entries.push_back({std::string(key), std::move(value)}); };
    const auto add_own = [&](std::string_view key, GgufValue value) { add(fmt::format("{}.{}", ours, key), std::move(value)); };
    const auto add_size = [&](std::string_view key, int64_t size) { add_own(key, static_cast<uint32_t>(size)); };
    add("general.architecture", ours);
    add("general.type", std::string("model"));
    add("general.name", std::move(name));
    add_own("context_length", uint32_t{1} << 20);  // there is no limit; converters write this
    add_size("embedding_length", facts.size("embedding_length"));
    add_own("feed_forward_length", uint32_t{0});
    add_own("attention.head_count", uint32_t{0});
    add_size("block_count", facts.size("block_count"));
    add_own("attention.layer_norm_rms_epsilon", static_cast<float>(facts.norm_eps));
    for (const SizeRule& rule : facts.architecture->sizes)
        if (rule.key.starts_with("ssm.")) add_size(rule.key, facts.size(rule.key));
    if (facts.architecture->n_group_default > 0) add_size("ssm.group_count", facts.size("ssm.group_count"));
    else add_own("ssm.dt_b_c_rms", facts.architecture->norms_dt_b_c);
    if (facts.mixer_norm_eps) add_own("ssm.dt_b_c_rms_epsilon", static_cast<float>(*facts.mixer_norm_eps));
    add_size("vocab_size", n_vocab);
    return entries;
}

}  // namespace krait::huggingface
