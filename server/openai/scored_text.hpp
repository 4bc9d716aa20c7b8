// SPDX-License-Identifier: Apache-2.0
//
// Log-probabilities in the form of completions: of the tokens of a prompt, and of what follows it.
#pragma once

#include "server/evaluator.hpp"
#include "server/json.hpp"

namespace krait::server::openai {

struct ScoredText {
    std::string text;
    Json logprobs;  // {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
};

// n_skipped: tokens in front that are left out, without echo.
Result<ScoredText> scored_text(const api::Model& model, const std::vector<TokenScore>& scores, size_t n_skipped);

}  // namespace krait::server::openai
