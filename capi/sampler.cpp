// SPDX-License-Identifier: Apache-2.0
//
// include/krait/sampler.h.
#include "models/sampler/sampler.hpp"

#include <cmath>

#include "capi/sampler.hpp"
#include "capi/session.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_sampler {
    Sampler sampler;
    krait_constraint constraint = nullptr;
    void* user = nullptr;             // of constraint
    std::vector<float> allowed = {};  // logits that constraint has changed

    // Logits that come from the application, or that its constraint has changed: -infinity forbids a token.
    static Result<void> expect_numbers(std::span<const float> logits, const char* whose) {
        for (size_t i = 0; i < logits.size(); ++i)
            if (std::isnan(logits[i]) || logits[i] == INFINITY)
                return fail(ErrorCode::invalid_argument, "{} of token {} is {}; a number or -infinity is possible", whose, i,
                            logits[i]);
        return {};
    }

    Result<int32_t> choose(std::span<const float> logits) {
        if (!constraint) return sampler.sample(logits);
        allowed.assign(logits.begin(), logits.end());
        if (constraint(user, allowed.data(), allowed.size()) != 0)
            return fail(ErrorCode::cancelled, "the sampler's constraint ended the call");
        for (size_t i = 0; i < allowed.size(); ++i)  // what the model has broken is told as that
            if (std::isnan(logits[i]) || logits[i] == INFINITY) return sampler.sample(logits);
        KRAIT_CHECK(expect_numbers(allowed, "the logit that the constraint left"));
        return sampler.sample(allowed);
    }
};

krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_sampler_options given, complete(options, krait_sampler_options KRAIT_SAMPLER_OPTIONS_INIT));
        KRAIT_TRY(Sampler sampler, Sampler::create(options_of(given)));
        *out = new krait_sampler{std::move(sampler), given.constraint, given.user, {}};
        return {};
    });
}

void krait_sampler_free(krait_sampler* sampler) { delete sampler; }

krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(top_k, "top_k"));
        *top_k = sampler->constraint ? 0 : sampler->sampler.n_needed();
        return {};
    });
}

krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(token, "token"));
        const auto logits = session->session.logits(item);
        const auto candidates = session->session.candidates(item);
        if (logits.empty() && candidates.empty())
            return fail(ErrorCode::not_found, "the latest decode has neither logits nor candidates of item {}", item);
        if (logits.empty() && sampler->constraint)
            return fail(ErrorCode::invalid_argument,
                        "a sampler with a constraint needs all logits: decode item {} with "
                        "KRAIT_WANT_LAST",
                        item);
        const auto n_token = static_cast<size_t>(session->session.model().n_token());
        const auto chosen =
            logits.empty() ? sampler->sampler.sample(candidates, n_token) : sampler->choose(logits.first(n_token));
        if (!chosen) return tl::unexpected<Error>(chosen.error());
        *token = *chosen;
        sampler->sampler.accept(*token);
        return {};
    });
}

krait_code krait_sampler_sample(krait_sampler* sampler, const float* logits, size_t n_token, int32_t* token,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(token, "token"));
        if (n_token > 0) KRAIT_CHECK(expect_given(logits, "logits"));
        KRAIT_CHECK(krait_sampler::expect_numbers({logits, n_token}, "the logit"));
        KRAIT_TRY(*token, sampler->choose({logits, n_token}));
        return {};
    });
}

krait_code krait_sampler_accept(krait_sampler* sampler, const int32_t* tokens, size_t n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        if (n_tok > 0) KRAIT_CHECK(expect_given(tokens, "tokens"));
        for (size_t i = 0; i < n_tok; ++i) sampler->sampler.accept(tokens[i]);
        return {};
    });
}

void krait_sampler_reset(krait_sampler* sampler) {
    if (sampler) sampler->sampler.reset();
}

krait_code krait_sampler_clone(const krait_sampler* sampler, krait_sampler** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        *out = new krait_sampler(*sampler);
        return {};
    });
}
