// SPDX-License-Identifier: Apache-2.0
//
// Short ways to ask grammars, for their tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/grammar.hpp"
#include "text/grammar/matcher.hpp"

namespace krait::test {

using grammar::Grammar;
using grammar::GrammarKind;
using grammar::GrammarOptions;
using grammar::Matcher;
using grammar::TokenEntry;
using grammar::TokenIndex;

inline Grammar grammar_of(GrammarKind kind, std::string_view source, const GrammarOptions& options = {}) {
    auto made = Grammar::create(kind, source, options);
    if (!made) {
        ADD_FAILURE() << source.substr(0, 200) << "\n" << made.error().message;
        return *Grammar::create(GrammarKind::gbnf, "root ::= \"the grammar above is wrong\"");
    }
    return *std::move(made);
}
inline std::string error_of(GrammarKind kind, std::string_view source, const GrammarOptions& options = {}) {
    const auto made = Grammar::create(kind, source, options);
    return made ? "no error" : made.error().message;
}

inline bool accepts(const Grammar& grammar, std::string_view text) {
    const auto match = match_text(grammar, text);
    if (!match) ADD_FAILURE() << match.error().message;
    return match && match->is_accepted;
}
inline bool accepts(GrammarKind kind, std::string_view source, std::string_view text) {
    return accepts(grammar_of(kind, source), text);
}
// How many bytes can be read.
inline size_t matched(const Grammar& grammar, std::string_view text) {
    const auto match = match_text(grammar, text);
    if (!match) ADD_FAILURE() << match.error().message;
    return match ? match->n_matched : 0;
}

// A vocabulary whose first token ends a text, and whose second one is a control token "<call>".
inline std::shared_ptr<const TokenIndex> tokens_of(const std::vector<std::string>& texts) {
    std::vector<TokenEntry> entries{{"</s>", true}, {"<call>", true}};
    for (const std::string& text : texts) entries.push_back({text, false});
    const std::vector<int32_t> ends{0};
    return std::make_shared<const TokenIndex>(*TokenIndex::create(entries, ends));
}
inline Matcher matcher_of(const Grammar& grammar, std::shared_ptr<const TokenIndex> tokens,
                          const grammar::MatchLimits& limits = {}) {
    auto made = Matcher::create(grammar.program(), std::move(tokens), limits);
    if (!made) throw std::runtime_error(made.error().message);
    return *std::move(made);
}
// The texts of the tokens that may follow, each in front of a '|'.
inline std::string allowed(Matcher& matcher) {
    const auto mask = matcher.mask();
    if (!mask) return mask.error().message;
    std::string all;
    for (size_t token = 0; token < matcher.tokens().n_token(); ++token)
        if (grammar::has_token(*mask, token)) all += std::string(matcher.tokens().text(static_cast<int32_t>(token))) + "|";
    return all;
}

}  // namespace krait::test
