// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/hybrids/hybrids.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/printable.hpp"

namespace krait::huggingface {

int64_t heads_of_queries(const Sizes& s) { return at(s, "attention.head_count"); }
int64_t width_by_heads(const Sizes& s) { return at(s, "embedding_length") / at(s, "attention.head_count"); }
int64_t key_length(const Sizes& s) { return at(s, "attention.key_length"); }
int64_t inner_by_expansion(const Sizes& s) { return at(s, ".expand") * at(s, "embedding_length"); }
int64_t inner_by_heads(const Sizes& s) { return at(s, "ssm.inner_size") / at(s, "ssm.time_step_rank"); }
int64_t used_experts(const Sizes& s) { return at(s, "expert_count") > 0 ? at(s, ".expert_used") : 0; }

Result<std::vector<LayerParts>> listed_layers(const Config& config, Names names, int64_t n_layer,
                                              std::span<const LayerWord> words) {
    std::string known;
    for (const LayerWord& word : words) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", word.word);
    const JsonValue* found = config.find(names);
    if (!found) return config.missing(names, fmt::format("a list of {} words, each one of {},", n_layer, known));
    if (!found->is(JsonValue::Kind::list)) return config.wrong(names, *found, "a list of words, one for each layer,");
    if (std::ssize(found->list) != n_layer)
        return config.wrong(names, *found, fmt::format("one of {} words, a word for each of the layers,", n_layer));
    std::vector<LayerParts> layers;
    for (const JsonValue& value : found->list) {
        const auto word = std::ranges::find(words, std::string_view(value.text), &LayerWord::word);
        if (!value.is(JsonValue::Kind::string) || word == words.end())
            return fail(ErrorCode::unsupported, "{}: layer {} is {} by the list at byte {}; known are {}", config.file(),
                        layers.size(), quote(value.text), found->at, known);
        layers.push_back(word->parts);
    }
    return layers;
}

Result<std::vector<LayerParts>> attention_at(const Config& config, Names names, int64_t n_layer, LayerParts attending,
                                             LayerParts others) {
    std::vector<LayerParts> layers(static_cast<size_t>(n_layer), others);
    const JsonValue* found = config.find(names);
    if (!found) return layers;
    if (!found->is(JsonValue::Kind::list)) return config.wrong(names, *found, "a list of layers");
    for (const JsonValue& value : found->list) {
        const double i = value.number;
        if (!value.is(JsonValue::Kind::number) || !(i >= 0 && i < static_cast<double>(n_layer)) || i != std::floor(i))
            return config.wrong(names, *found, fmt::format("a list of layers from 0 to {}", n_layer - 1));
        layers[static_cast<size_t>(i)] = attending;
    }
    return layers;
}

Result<void> check_rope(const Config& config) {
    constexpr std::string_view kType[] = {"rope_scaling.rope_type", "rope_scaling.type", "rope_parameters.rope_type",
                                          "rope_parameters.type"};
    KRAIT_TRY(const auto type, config.text(kType));
    if (type && *type != "default")
        return fail(ErrorCode::unsupported,
                    "{}: rope of the type {} is not supported; 'default' is, which scales no frequencies", config.file(),
                    quote(*type));
    return {};
}

}  // namespace krait::huggingface
