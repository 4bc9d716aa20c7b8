// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/metadata.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

std::string known_kinds() {
    std::string names;
    for (const Architecture* known : architectures())
        names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", known->model_type, known->title);
    return names;
}

const Architecture* find_type(std::string_view type) {
    for (const Architecture* known : architectures())
        if (known->model_type == type) return known;
    return nullptr;
}

const Architecture* find_class(std::string_view name) {
    for (const Architecture* known : architectures())
        if (std::ranges::find(known->classes, name) != known->classes.end()) return known;
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

// Newer files say how many layers there are by a list of them alone.
void note_listed_layers(const Config& config, ModelFacts& facts) {
    int64_t n = 0;
    if (const JsonValue* pattern = config.find("hybrid_override_pattern")) n = std::ssize(pattern->text);
    else if (const JsonValue* list = config.find("layers_block_type")) n = std::ssize(list->list);
    facts.sizes[".listed_layers"] = n;
}

Result<void> read_sizes(const Config& config, ModelFacts& facts) {
    note_listed_layers(config, facts);
    for (const SizeRule& rule : facts.architecture->sizes) {
        const Names names = given(rule.names);
        const JsonValue* found = config.find(names);
        const bool is_auto = found && found->is(JsonValue::Kind::string) && found->text == "auto";
        std::optional<int64_t> value;
        if (!is_auto) {
            KRAIT_TRY(value, config.size(names, rule.min));
        }
        if (!value && !rule.fallback) return config.missing(names, "a whole number");
        if (!value) value = rule.fallback(facts.sizes);
        if (*value < rule.min || *value > INT32_MAX)
            return fail(ErrorCode::corrupt_file, "{}: '{}' would be {} by the other sizes; {} to {} are possible",
                        config.file(), names.empty() ? rule.key : names.front(), *value, rule.min, INT32_MAX);
        facts.sizes[std::string(rule.key)] = *value;
    }
    if (facts.architecture->n_group_default == 0) return {};
    constexpr std::string_view kGroups[] = {"n_groups", "ssm_cfg.ngroups"};
    KRAIT_TRY(const auto groups, config.size(kGroups));
    facts.sizes["ssm.group_count"] = groups.value_or(facts.is_official ? 1 : facts.architecture->n_group_default);
    return {};
}

// Sizes that contradict each other.
Result<void> check_sizes(const Config& config, const ModelFacts& facts) {
    const auto wrong = [&]<class... Args>(fmt::format_string<Args...> text, Args&&... args) {
        return fail(ErrorCode::corrupt_file, "{}: {}", config.file(), fmt::format(text, std::forward<Args>(args)...));
    };
    const auto expect = [&]<class... Args>(std::string_view key, fmt::format_string<Args...> wanted, Args&&... args) {
        return wrong_size(config, facts, key, fmt::format(wanted, std::forward<Args>(args)...));
    };
    const auto has = [&](std::string_view key) { return facts.sizes.contains(key) && facts.size(key) > 0; };
    if (has("ssm.group_count")) {
        const int64_t inner = facts.size("ssm.inner_size"), heads = facts.size("ssm.time_step_rank"),
                      n_group = facts.size("ssm.group_count");
        const int64_t head_dim = facts.size(".head_dim");
        if (inner != heads * head_dim)
            return expect("ssm.time_step_rank", "a number of heads that, times the {} elements of each, is the inner size, {},",
                          head_dim, inner);
        if (heads % n_group != 0) return expect("ssm.group_count", "a number that divides the {} heads of the scan", heads);
    }
    if (has(".head_count_kv") && facts.size("attention.head_count") % facts.size(".head_count_kv") != 0)
        return expect(".head_count_kv", "a number that divides the {} query heads", facts.size("attention.head_count"));
    if (has("rope.dimension_count") && facts.size("rope.dimension_count") % 2 != 0)
        return wrong("{} elements of each head turn: an even number is needed", facts.size("rope.dimension_count"));
    const auto mixes = [](LayerParts layer) { return (layer & kExperts) != 0; };
    if (!has("expert_count")) {
        const auto mixing = std::ranges::find_if(facts.layers, mixes);
        if (mixing == facts.layers.end()) return {};
        return expect("expert_count", "at least 1, since layer {} has experts,", mixing - facts.layers.begin());
    }
    const int64_t n_expert = facts.size("expert_count");
    if (!has("expert_used_count") || facts.size("expert_used_count") > n_expert)
        return expect("expert_used_count", "1 to {} of the {} experts", n_expert, n_expert);
    if (!has("expert_group_count")) return {};
    const int64_t n_group = facts.size("expert_group_count"), n_used = facts.size("expert_group_used_count");
    if (n_expert % n_group != 0) return expect("expert_group_count", "a number that divides the {} experts", n_expert);
    if (n_used > n_group) return expect("expert_group_used_count", "1 to {} groups", n_group);
    if (const int64_t n_choice = n_expert / n_group * n_used; facts.size("expert_used_count") > n_choice)
        return expect("expert_used_count", "1 to {} experts, as many as the {} groups of a token have,", n_choice, n_used);
    return {};
}

// Settings that transformers and state-spaces know, and Krait's layers do not have.
Result<void> check_settings(const Config& config, const Architecture& architecture) {
    constexpr std::string_view kWindow[] = {"sliding_window"}, kLimit[] = {"time_step_limit", "ssm_cfg.dt_limit"},
                               kMlp[] = {"d_intermediate"}, kAttention[] = {"attn_layer_idx"};
    for (const SwitchRule& rule : architecture.switches) {
        KRAIT_TRY(const auto value, config.boolean(given(rule.names)));
        if (value && *value != rule.wanted)
            return fail(ErrorCode::unsupported, "{}: '{}' is {}; {}", config.file(), rule.names[0], *value, rule.why);
    }
    for (const WordRule& rule : architecture.words) {
        KRAIT_TRY(const auto word, config.text(Names(&rule.name, 1)));
        if (word && std::ranges::find(given(rule.wanted), *word) == given(rule.wanted).end())
            return fail(ErrorCode::unsupported, "{}: '{}' is {}; '{}' is supported", config.file(), rule.name, quote(*word),
                        rule.wanted[0]);
    }
    for (const std::string_view name : {"rope_parameters", "rope_scaling"})
        if (const JsonValue* value = config.find(name); value && !value->is(JsonValue::Kind::object))
            return config.wrong(Names(&name, 1), *value, "an object");
    KRAIT_TRY(const auto window, config.size(kWindow));
    if (window)
        return fail(ErrorCode::unsupported, "{}: 'sliding_window' is {}: attention to a window alone is not supported",
                    config.file(), *window);
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
    if (eps && !(*eps >= 0 && *eps < 1)) return config.wrong(names, *config.find(names), "at least 0 and less than 1");
    return eps.value_or(fallback);
}

}  // namespace

bool ModelFacts::has(Presence presence) const {
    if (presence == Presence::always) return true;
    if (presence == Presence::untied) return !is_tied;
    const auto flag = flags.find(presence);
    return flag != flags.end() && flag->second;
}

LayerParts ModelFacts::parts_of(int64_t layer) const {
    if (layer >= size("block_count")) return kBlock;
    return layers.empty() ? kMamba : layers[static_cast<size_t>(layer)];
}

Result<ModelFacts> read_facts(const Config& config) {
    constexpr std::string_view kTied[] = {"tie_word_embeddings", "tie_embeddings", "tie_embedding"},
                               kPad[] = {"pad_vocab_size_multiple"},
                               kEps[] = {"layer_norm_epsilon", "rms_norm_eps", "norm_epsilon", "norm_eps"},
                               kMixerEps[] = {"mixer_rms_eps"};
    ModelFacts facts;
    KRAIT_CHECK(choose_architecture(config, facts));
    const Architecture& architecture = *facts.architecture;
    facts.ours = architecture.ours;
    KRAIT_CHECK(read_sizes(config, facts));
    for (const NumberRule& rule : architecture.numbers) {
        const Names names = given(rule.names);
        KRAIT_TRY(const auto number, config.number(names));
        if (number && !(*number >= rule.min && *number <= rule.max))
            return config.wrong(names, *config.find(names), fmt::format("a number from {} to {}", rule.min, rule.max));
        facts.numbers[std::string(rule.key)] = number.value_or(rule.fallback);
    }
    KRAIT_CHECK(check_settings(config, architecture));
    for (const FlagRule& rule : architecture.flags) {
        KRAIT_TRY(const auto flag, config.boolean(given(rule.names)));
        facts.flags[rule.presence] = flag.value_or(rule.fallback);
    }
    KRAIT_TRY(const auto tied, config.boolean(kTied));
    facts.is_tied = tied.value_or(facts.is_official || architecture.is_tied_by_default);
    KRAIT_TRY(const auto pad, config.size(kPad));
    const int64_t multiple = pad.value_or(facts.is_official ? 8 : 1), vocabulary = facts.size("vocab_size");
    facts.vocab_rows_max = (vocabulary + multiple - 1) / multiple * multiple;
    KRAIT_TRY(facts.norm_eps, read_eps(config, kEps, architecture.eps_default));
    if (architecture.norms_dt_b_c) {
        KRAIT_TRY(facts.mixer_norm_eps, read_eps(config, kMixerEps, 1e-6));
    }
    return facts;
}

Result<void> read_layers(const Config& config, size_t n_tensor, ModelFacts& facts) {
    const Architecture& architecture = *facts.architecture;
    if (static_cast<uint64_t>(facts.size("block_count")) > n_tensor)
        return wrong_size(config, facts, "block_count", fmt::format("at most {}, the number of tensors in all,", n_tensor));
    if (architecture.read_layers) {
        KRAIT_TRY(facts.layers, architecture.read_layers(config, facts));
    }
    if (architecture.finish) KRAIT_CHECK(architecture.finish(config, facts));
    return check_sizes(config, facts);
}

tl::unexpected<Error> wrong_size(const Config& config, const ModelFacts& facts, std::string_view key, std::string_view wanted) {
    constexpr std::string_view kGroups[] = {"n_groups", "ssm_cfg.ngroups"};  // where it is no rule
    Names names = kGroups;
    // A size that another one decides has no name of its own; the one that decides is called the same with a '.'.
    for (const SizeRule& rule : facts.architecture->sizes)
        if (!given(rule.names).empty() && (rule.key == key || (rule.key.starts_with('.') && rule.key.substr(1) == key)))
            names = given(rule.names);
    const JsonValue* found = config.find(names);
    return found ? config.wrong(names, *found, wanted) : config.missing(names, wanted);
}

std::vector<GgufMetadata> metadata_of(const ModelFacts& facts, std::string name, int64_t n_vocab) {
    const std::string ours(facts.ours);
    std::vector<GgufMetadata> entries;
    const auto add = [&](std::string_view key, GgufValue value) { entries.push_back({std::string(key), std::move(value)}); };
    const auto add_own = [&](std::string_view key, GgufValue value) { add(fmt::format("{}.{}", ours, key), std::move(value)); };
    const auto add_size = [&](std::string_view key, int64_t size) { add_own(key, static_cast<uint32_t>(size)); };
    add("general.architecture", ours);
    add("general.type", std::string("model"));
    add("general.name", std::move(name));
    add_own("attention.layer_norm_rms_epsilon", static_cast<float>(facts.norm_eps));
    if (!facts.sizes.contains("attention.head_count")) {
        add_own("context_length", uint32_t{1} << 20);  // there is no limit; converters write this
        add_own("feed_forward_length", uint32_t{0});
        add_own("attention.head_count", uint32_t{0});
    }
    for (const auto& [key, size] : facts.sizes)
        if (!key.starts_with('.') && key != "vocab_size" && size > 0) add_size(key, size);
    for (const auto& [key, number] : facts.numbers)
        if (!key.starts_with('.')) add_own(key, static_cast<float>(number));
    if (facts.sizes.contains(".head_count_kv")) {
        std::vector<int32_t> heads;
        for (const LayerParts layer : facts.layers)
            heads.push_back(layer & kAttention ? static_cast<int32_t>(facts.size(".head_count_kv")) : 0);
        if (std::ranges::find(heads, 0) == heads.end()) add_size("attention.head_count_kv", heads.front());
        else add_own("attention.head_count_kv", GgufArray(std::move(heads)));
    }
    if (facts.ours == "mamba") add_own("ssm.dt_b_c_rms", facts.architecture->norms_dt_b_c);
    if (facts.mixer_norm_eps) add_own("ssm.dt_b_c_rms_epsilon", static_cast<float>(*facts.mixer_norm_eps));
    for (const GgufMetadata& entry : facts.entries) add_own(entry.key, entry.value);
    add_size("vocab_size", n_vocab);
    return entries;
}

}  // namespace krait::huggingface
