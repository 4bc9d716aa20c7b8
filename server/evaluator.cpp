// SPDX-License-Identifier: Apache-2.0
#include "server/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace krait::server {

// Rows whose logits are kept at the same time: 64 MiB with a vocabulary of 65536.
constexpr size_t kRows = 256;

Result<api::Session*> Evaluator::fresh_session() {
    if (!session_) {
        krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
        options.max_batch_tokens = kRows;
        auto session = api::Session::create(model_, options);
        if (!session) return unexpected(error_of(session.failure()));
        session_.emplace(std::move(*session));
    }
    if (const auto done = session_->reset(); !done) return unexpected(error_of(done.failure()));
    return &*session_;
}

Result<TokenScore> Evaluator::score_row(size_t row, int32_t token, size_t n_likely) const {
    const auto logits = session_->logits(0, row);
    if (!logits) return unexpected(error_of(logits.failure()));
    // One call for all of them, so that a token that is the likeliest has the number of the likeliest.
    std::vector<int32_t> tokens(static_cast<size_t>(model_.n_token()));
    std::iota(tokens.begin(), tokens.end(), 0);
    const auto end = tokens.begin() + static_cast<ptrdiff_t>(std::min(n_likely, tokens.size()));
    std::partial_sort(tokens.begin(), end, tokens.end(), [&](int32_t a, int32_t b) {
        const float first = (*logits)[static_cast<size_t>(a)], second = (*logits)[static_cast<size_t>(b)];
        return first != second ? first > second : a < b;
    });
    tokens.erase(end, tokens.end());
    tokens.push_back(token);
    const auto logprobs = session_->logprobs(tokens, 0, row);
    if (!logprobs) return unexpected(error_of(logprobs.failure()));
    TokenScore score{.token = token, .logprob = logprobs->back(), .likely = {}};
    for (size_t i = 0; i + 1 < tokens.size(); ++i) score.likely.emplace_back(tokens[i], (*logprobs)[i]);
    return score;
}

Result<std::vector<TokenScore>> Evaluator::score(std::span<const int32_t> tokens, size_t n_likely, size_t n_more,
                                                 const krait_sampler_options& sampler_options) {
    SERVER_TRY(api::Session* const session, fresh_session());
    auto sampler = api::Sampler::create(sampler_options);
    if (!sampler) return unexpected(error_of(sampler.failure()));
    if (const auto done = sampler->accept(tokens); !done) return unexpected(error_of(done.failure()));
    std::vector<TokenScore> scores{{.token = tokens.front(), .logprob = 0, .likely = {}}};
    for (size_t begin = 0; begin < tokens.size(); begin += kRows) {
        const auto part = tokens.subspan(begin, std::min(kRows, tokens.size() - begin));
        if (const auto done = session->decode(part, 0, KRAIT_WANT_ALL); !done) return unexpected(error_of(done.failure()));
        for (size_t row = 0; row < part.size() && scores.size() < tokens.size(); ++row) {
            SERVER_TRY(TokenScore score, score_row(row, tokens[scores.size()], n_likely));
            scores.push_back(std::move(score));
        }
    }
    size_t row = (tokens.size() - 1) % kRows;  // after which the next token comes
    for (size_t i = 0; i < n_more; ++i, row = 0) {
        const auto logits = session->logits(0, row);
        if (!logits) return unexpected(error_of(logits.failure()));
        const auto token = sampler->sample(logits->first(static_cast<size_t>(model_.n_token())));
        if (!token) return unexpected(error_of(token.failure()));
        SERVER_TRY(TokenScore score, score_row(row, *token, n_likely));
        scores.push_back(std::move(score));
        if (const auto done = sampler->accept({&*token, 1}); !done) return unexpected(error_of(done.failure()));
        if (const auto done = session->decode({&*token, 1}, 0, KRAIT_WANT_ALL); !done)
            return unexpected(error_of(done.failure()));
    }
    return scores;
}

Result<std::vector<float>> Evaluator::embed(std::span<const int32_t> tokens) {
    SERVER_TRY(api::Session* const session, fresh_session());
    krait_batch_item item = api::Session::item_of(tokens, 0, KRAIT_WANT_NONE);
    item.hidden = KRAIT_HIDDEN_MEAN;
    if (const auto done = session->decode({&item, 1}); !done) return unexpected(error_of(done.failure()));
    const auto hidden = session->hidden();
    if (!hidden) return unexpected(error_of(hidden.failure()));
    double sum = 0;
    for (const float value : *hidden) sum += static_cast<double>(value) * value;
    const double scale = sum > 0 ? 1 / std::sqrt(sum) : 0;
    std::vector<float> embedding;
    for (const float value : *hidden) embedding.push_back(static_cast<float>(value * scale));
    return embedding;
}

}  // namespace krait::server
