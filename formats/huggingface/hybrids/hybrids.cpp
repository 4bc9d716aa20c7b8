// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/hybrids/hybrids.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/printable.hpp"

namespace krait::huggingface {

int64_t heads_of_queries(const Sizes& s) { return at(s, "attention.head_count"); }
int64_t width_by_heads(const Sizes& s) { return at(s, "embedding_length") / at(s, "attention.head_count"); }
int64_t key_length(const Sizes& s) { return at(s, "attention.key_length"); }
int64_t inner_by_expansion(const Sizes& s) { return at(s, ".expand") * at(s, "embedding_length"); }
int64_t inner_by_heads(const Sizes& s) { return at(s, "ssm.inner_size") / at(s, "ssm.time_step_rank"); }
int64_t used_experts(const Sizes& s) { return at(s, "expert_count") > 0 ? at(s, ".expert_used_count") : 0; }

namespace {

using Layers = std::vector<LayerParts>;

Result<Layers> by_words(const Config& config, Names name, int64_t n_layer, std::span<const LayerWord> words) {
    std::string known;
    for (const LayerWord& word : words) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", word.word);
    const JsonValue* found = config.find(name);
    if (!found) return config.missing(name, fmt::format("a list of {} words, each one of {},", n_layer, known));
    if (!found->is(JsonValue::Kind::list)) return config.wrong(name, *found, "a list of words, one for each layer,");
    if (std::ssize(found->list) != n_layer)
        return config.wrong(name, *found, fmt::format("one of {} words, a word for each of the layers,", n_layer));
    Layers layers;
    for (const JsonValue& value : found->list) {
        const auto word = std::ranges::find(words, std::string_view(value.text), &LayerWord::word);
        if (!value.is(JsonValue::Kind::string) || word == words.end())
            return fail(ErrorCode::unsupported, "{}: layer {} is {} by the list at byte {}; known are {}", config.file(),
                        layers.size(), quote(value.text), found->at, known);
        layers.push_back(word->parts);
    }
    return layers;
}

Result<Layers> by_indices(const Config& config, Names name, int64_t n_layer, const LayerLists& lists) {
    Layers layers(static_cast<size_t>(n_layer), lists.others);
    const JsonValue& found = *config.find(name);
    if (!found.is(JsonValue::Kind::list)) return config.wrong(name, found, "a list of layers");
    for (const JsonValue& value : found.list) {
        const double i = value.number;
        if (!value.is(JsonValue::Kind::number) || !(i >= 0 && i < static_cast<double>(n_layer)) || i != std::floor(i))
            return config.wrong(name, found, fmt::format("a list of layers from 0 to {}", n_layer - 1));
        layers[static_cast<size_t>(i)] = lists.attending;
    }
    return layers;
}

Result<Layers> by_pattern(const Config& config, Names name, int64_t n_layer, std::span<const LayerLetter> letters) {
    const JsonValue& found = *config.find(name);
    if (!found.is(JsonValue::Kind::string)) return config.wrong(name, found, "a text with a letter for each layer");
    Layers layers;
    for (const char letter : found.text) {
        const auto known = std::ranges::find(letters, letter, &LayerLetter::letter);
        if (known == letters.end())
            return config.wrong(name, found, "a text of M (Mamba-2), * (attention), - (MLP) and E (experts)");
        layers.push_back(known->parts);
    }
    if (std::ssize(layers) != n_layer)
        return config.wrong(name, found, fmt::format("a text of {} letters, one for each layer,", n_layer));
    return layers;
}

}  // namespace

Result<std::vector<LayerParts>> read_layer_lists(const Config& config, int64_t n_layer, const LayerLists& lists) {
    std::optional<Layers> layers;
    std::string_view said_by;
    const auto add = [&](std::string_view name, Result<Layers> read) -> Result<void> {
        KRAIT_TRY(Layers said, std::move(read));
        if (layers && *layers != said)
            return config.wrong(Names(&name, 1), *config.find(name), fmt::format("what '{}' says of the layers", said_by));
        layers = std::move(said);
        said_by = name;
        return {};
    };
    if (!lists.pattern.empty() && config.find(lists.pattern))
        KRAIT_CHECK(add(lists.pattern, by_pattern(config, Names(&lists.pattern, 1), n_layer, lists.letters)));
    for (const std::string_view& name : lists.word_lists)
        if (config.find(name)) KRAIT_CHECK(add(name, by_words(config, Names(&name, 1), n_layer, lists.words)));
    for (const std::string_view& name : lists.index_lists)
        if (config.find(name)) KRAIT_CHECK(add(name, by_indices(config, Names(&name, 1), n_layer, lists)));
    if (layers) return std::move(*layers);
    if (lists.others_by_default) return Layers(static_cast<size_t>(n_layer), lists.others);
    return by_words(config, lists.word_lists, n_layer, lists.words);  // says what is missing
}

Result<void> check_rope(const Config& config, int64_t n_rot) {
    constexpr std::string_view kType[] = {"rope_scaling.rope_type", "rope_scaling.type", "rope_parameters.rope_type",
                                          "rope_parameters.type"},
                               kSections[] = {"rope_scaling.mrope_section", "rope_parameters.mrope_section"};
    KRAIT_TRY(const auto type, config.text(kType));
    if (type && *type != "default")
        return fail(ErrorCode::unsupported,
                    "{}: rope of the type {} is not supported; 'default' is, which scales no frequencies", config.file(),
                    quote(*type));
    // Sections turn with different positions, which are the same in a text.
    if (const JsonValue* sections = config.find(kSections)) {
        double n_pair = 0;
        for (const JsonValue& section : sections->list) n_pair += section.number;
        if (2 * n_pair != static_cast<double>(n_rot))
            return config.wrong(kSections, *sections, fmt::format("a list of numbers with the sum {}", n_rot / 2));
    }
    return {};
}

}  // namespace krait::huggingface
