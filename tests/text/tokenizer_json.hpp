// SPDX-License-Identifier: Apache-2.0
//
// A TokenizerSpec as JSON, as the scripts of tests/text write it: the fields by their names, what is left out by its default.
#pragma once

#include <nlohmann/json.hpp>

#include "text/tokenizer/tokenizer_spec.hpp"

namespace krait::test {

inline SpacePrefix space_prefix_of(const std::string& name) {
    return name == "every_part" ? SpacePrefix::every_part : name == "text_start" ? SpacePrefix::text_start : SpacePrefix::never;
}

inline TokenizerSpec tokenizer_spec_of(const nlohmann::json& json) {
    TokenizerSpec spec;
    const auto read = [&](const char* key, auto& field) {
        if (json.contains(key)) field = json.at(key).get<std::decay_t<decltype(field)>>();
    };
    const auto read_id = [&](const char* key, std::optional<int64_t>& id) {
        if (json.contains(key)) id = json.at(key).get<int64_t>();
    };
    read("model", spec.model);
    read("pre", spec.pre);
    read("tokens", spec.tokens);
    read("token_types", spec.token_types);
    read("scores", spec.scores);
    read("merges", spec.merges);
    read_id("bos", spec.bos);
    read_id("eos", spec.eos);
    read_id("unk", spec.unk);
    read_id("sep", spec.sep);
    read("add_bos", spec.add_bos);
    read("add_eos", spec.add_eos);
    read("add_sep", spec.add_sep);
    read("remove_extra_whitespaces", spec.remove_extra_whitespaces);
    read("treat_whitespace_as_suffix", spec.treat_whitespace_as_suffix);
    read("lowercase", spec.lowercase);
    read("strip_accents", spec.strip_accents);
    spec.space_prefix = space_prefix_of(json.value("space_prefix", "never"));
    for (const int byte : json.value("precompiled_charsmap", std::vector<int>{}))
        spec.precompiled_charsmap += static_cast<char>(byte);
    for (const auto& rule : json.value("rules", nlohmann::json::array()))
        spec.rules.push_back({.id = rule.at("id").get<int64_t>(),
                              .lstrip = rule.value("lstrip", false),
                              .rstrip = rule.value("rstrip", false),
                              .single_word = rule.value("single_word", false),
                              .normalized = rule.value("normalized", false)});
    return spec;
}

}  // namespace krait::test
