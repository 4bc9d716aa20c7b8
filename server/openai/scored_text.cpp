// SPDX-License-Identifier: Apache-2.0
#include "server/openai/scored_text.hpp"

#include <algorithm>

namespace krait::server::openai {

static size_t n_character(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Result<ScoredText> scored_text(const api::Model& model, const std::vector<TokenScore>& scores, size_t n_skipped) {
    std::optional<Error> error;
    const auto text_of = [&](int32_t token) {
        const auto text = model.detokenize({&token, 1}, KRAIT_DETOKENIZE_CONTROL);
        if (!text) error = error_of(text.failure());
        return text ? *text : std::string();
    };
    ScoredText made;
    Json tokens = Json::array(), logprobs = Json::array(), likely = Json::array(), offsets = Json::array();
    for (size_t i = n_skipped; i < scores.size(); ++i) {
        const TokenScore& score = scores[i];
        const std::string text = text_of(score.token);
        tokens.push_back(text);
        offsets.push_back(n_character(made.text));
        logprobs.push_back(i == 0 ? Json() : Json(score.logprob));  // the first token of a text has nothing in front of it
        Json top = Json::object();
        // Tokens that are parts of characters may look the same: the likelier one counts.
        for (const auto& [token, logprob] : score.likely) top.emplace(text_of(token), logprob);
        likely.push_back(i == 0 ? Json() : std::move(top));
        made.text += text;
    }
    if (error) return unexpected(*error);
    made.logprobs = {{"tokens", std::move(tokens)},
                     {"token_logprobs", std::move(logprobs)},
                     {"top_logprobs", std::move(likely)},
                     {"text_offset", std::move(offsets)}};
    return made;
}

}  // namespace krait::server::openai
