// SPDX-License-Identifier: Apache-2.0
//
// Results of the latest decode of a session: logits, candidates, hidden states (include/krait/session.h).
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "capi/session.hpp"
#include "models/evaluation/statistics.hpp"

using namespace krait;
using namespace krait::capi;

static_assert(sizeof(krait_candidate) == sizeof(Candidate) && offsetof(krait_candidate, token) == offsetof(Candidate, token) &&
                  std::is_standard_layout_v<Candidate>,
              "candidates are handed out as they are");

namespace {

Result<std::span<const float>> logits_of(const krait_session* session, size_t item, size_t row) {
    KRAIT_CHECK(expect_given(session, "session"));
    const auto found = session->session.logits(item, row);
    if (found.empty()) return fail(ErrorCode::not_found, "the latest decode has no logits of item {}, row {}", item, row);
    return found;
}

}  // namespace

krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits, size_t* n_vocab,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(logits, "logits"));
        KRAIT_CHECK(expect_given(n_vocab, "n_vocab"));
        KRAIT_TRY(const auto found, logits_of(session, item, row));
        *logits = found.data();
        *n_vocab = found.size();
        return {};
    });
}

krait_code krait_session_hidden(const krait_session* session, size_t item, size_t row, const float** values, size_t* d_model,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(values, "values"));
        KRAIT_CHECK(expect_given(d_model, "d_model"));
        const auto found = session->session.hidden(item, row);
        if (found.empty())
            return fail(ErrorCode::not_found, "the latest decode has no hidden states of item {}, row {}", item, row);
        *values = found.data();
        *d_model = found.size();
        return {};
    });
}

krait_code krait_session_logprobs(const krait_session* session, size_t item, size_t row, const int32_t* tokens, size_t n_tok,
                                  double* logprobs, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(tokens, "tokens"));
        KRAIT_CHECK(expect_given(logprobs, "logprobs"));
        if (n_tok == 0) return fail(ErrorCode::invalid_argument, "n_tok is 0: at least 1 token is needed");
        KRAIT_TRY(const auto all, logits_of(session, item, row));
        const int32_t n_token = session->session.model().n_token();
        for (size_t i = 0; i < n_tok; ++i)
            if (tokens[i] < 0 || tokens[i] >= n_token)
                return fail(ErrorCode::invalid_argument, "token {} at position {} is out of range: the vocabulary has {}",
                            tokens[i], i, n_token);
        const auto logits = all.first(static_cast<size_t>(n_token));
        const double log_sum = log_sum_exp(logits);
        if (!std::isfinite(log_sum))
            return fail(ErrorCode::internal, "the logits of item {}, row {} are no numbers", item, row);
        for (size_t i = 0; i < n_tok; ++i) logprobs[i] = static_cast<double>(logits[static_cast<size_t>(tokens[i])]) - log_sum;
        return {};
    });
}

krait_code krait_session_candidates(const krait_session* session, size_t item, const krait_candidate** candidates,
                                    size_t* n_candidate, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(candidates, "candidates"));
        KRAIT_CHECK(expect_given(n_candidate, "n_candidate"));
        const auto found = session->session.candidates(item);
        if (found.empty()) return fail(ErrorCode::not_found, "the latest decode has no candidates of item {}", item);
        *candidates = reinterpret_cast<const krait_candidate*>(found.data());
        *n_candidate = found.size();
        return {};
    });
}
