// SPDX-License-Identifier: Apache-2.0
//
// Grammars for scripts. Each line of standard input is {"kind": "gbnf", "source": "...", "texts": ["..."]}, and each line of
// the output {"verdicts": [true, ...]} or {"error": "..."}. With "measure": true the texts go token by token through masks of a
// vocabulary of 128,000 tokens (grammar_vocabulary.hpp): {"verdicts": [...], "compile": us, "first": us, "masks": [us, ...]},
// in processor time; a mask without a token that comes next in a text that is accepted is an error.
#include <time.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/text/grammar_vocabulary.hpp"
#include "text/grammar/grammar.hpp"
#include "text/grammar/matcher.hpp"

namespace {

using namespace krait;
using Json = nlohmann::json;

// Of this thread's processor time, which other programs do not change.
double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

struct Tokens {
    std::vector<std::string> texts = test::made_vocabulary();
    std::shared_ptr<const grammar::TokenIndex> index = test::made_tokens(texts);
    std::map<std::string, int32_t, std::less<>> ids;
    Tokens() {
        for (size_t i = 0; i < texts.size(); ++i) ids.emplace(texts[i], static_cast<int32_t>(i + 1));
    }
    // The longest token at each place.
    std::vector<int32_t> encode(std::string_view text) const {
        std::vector<int32_t> tokens;
        while (!text.empty())
            for (size_t n = std::min<size_t>(text.size(), index->max_bytes()); n > 0; --n)
                if (const auto found = ids.find(text.substr(0, n)); found != ids.end()) {
                    tokens.push_back(found->second);
                    text.remove_prefix(n);
                    break;
                }
        return tokens;
    }
};

Json answer(const Json& request) {
    const auto kind = request.at("kind").get<std::string>();
    using Kind = grammar::GrammarKind;
    const Kind number = kind == "gbnf"          ? Kind::gbnf
                        : kind == "json_schema" ? Kind::json_schema
                        : kind == "regex"       ? Kind::regex
                                                : Kind::json_object;
    const auto start = now();
    const auto made = grammar::Grammar::create(number, request.at("source").get<std::string>());
    if (!made) return {{"error", made.error().message}};
    Json result{{"verdicts", Json::array()}, {"compile", now() - start}};
    if (!request.value("measure", false)) {
        for (const auto& text : request.at("texts")) {
            const auto match = match_text(*made, text.get<std::string>());
            if (!match) return {{"error", match.error().message}};
            result["verdicts"].push_back(match->is_accepted);
        }
        return result;
    }
    static const Tokens tokens;
    auto matcher = grammar::Matcher::create(made->program(), tokens.index);
    if (!matcher) return {{"error", matcher.error().message}};
    const auto first = now();
    if (const auto mask = matcher->mask(); !mask) return {{"error", mask.error().message}};
    result["first"] = now() - first;
    for (const auto& text : request.at("texts")) {
        matcher->reset();
        bool is_accepted = true;
        for (const int32_t token : tokens.encode(text.get<std::string>())) {
            const auto begin = now();
            const auto mask = matcher->mask();
            result["masks"].push_back(now() - begin);
            if (!mask) return {{"error", mask.error().message}};
            is_accepted = grammar::has_token(*mask, static_cast<size_t>(token));
            if (static_cast<bool>(matcher->accept(token)) != is_accepted) return {{"error", "a mask and its token disagree"}};
            if (!is_accepted) break;
        }
        result["verdicts"].push_back(is_accepted && matcher->is_accepting());
    }
    return result;
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);)
        std::cout << answer(Json::parse(line)).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
    return 0;
}
