// SPDX-License-Identifier: Apache-2.0
//
// What a model makes of a text, beside the engine, which answers with tokens alone: log-probabilities of its tokens, and
// embeddings. A session of its own, which one thread at a time may use.
#pragma once

#include <krait/session.hpp>

#include "server/error.hpp"

namespace krait::server {

struct TokenScore {
    int32_t token = -1;
    double logprob = 0;                              // of the token after those in front of it; 0 for the first
    std::vector<std::pair<int32_t, double>> likely;  // the most likely tokens there, the likeliest first
};

class Evaluator {
  public:
    // model outlives it. Memory is taken with the first call.
    explicit Evaluator(const api::Model& model) : model_(model) {}

    // Scores of all tokens, with n_likely tokens beside each, and of n_more tokens that `sampler` adds to them.
    Result<std::vector<TokenScore>> score(std::span<const int32_t> tokens, size_t n_likely, size_t n_more,
                                          const krait_sampler_options& sampler);
    // The mean of the hidden states of the last layer, of length 1: d_model numbers.
    Result<std::vector<float>> embed(std::span<const int32_t> tokens);

  private:
    Result<api::Session*> fresh_session();
    Result<TokenScore> score_row(size_t row, int32_t token, size_t n_likely) const;

    const api::Model& model_;
    std::optional<api::Session> session_;
};

}  // namespace krait::server
