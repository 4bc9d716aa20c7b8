// SPDX-License-Identifier: Apache-2.0
//
// Samplers in the C API: what they remember, copies, constraints, logits of the application.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <array>
#include <cmath>
#include <krait/krait.hpp>
#include <limits>

#include "tests/capi/value.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

krait_sampler_options greedy() {
    krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT;
    options.temperature = 0;
    return options;
}

constexpr std::array<float, 4> kLogits{1.0f, 4.0f, 3.0f, 2.0f};

TEST(CApiSampler, AcceptedTokensArePenalizedUntilTheReset) {
    krait_sampler_options options = greedy();
    options.repetition_penalty = 2;
    kr::Sampler sampler = value(kr::Sampler::create(options));
    EXPECT_EQ(value(sampler.sample(kLogits)), 1);
    EXPECT_EQ(value(sampler.sample(kLogits)), 1) << "it is not remembered";
    const std::array<int32_t, 2> prompt{1, 7};
    value(sampler.accept(prompt));
    EXPECT_EQ(value(sampler.sample(kLogits)), 2);
    sampler.reset();
    EXPECT_EQ(value(sampler.sample(kLogits)), 1);
    EXPECT_EQ(krait_sampler_accept(nullptr, prompt.data(), 2, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_sampler_accept(sampler.get(), nullptr, 2, nullptr), KRAIT_INVALID_ARGUMENT);
    krait_sampler_reset(nullptr);
}

TEST(CApiSampler, ACloneContinuesAsTheOriginalWould) {
    krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT;
    options.seed = 5;
    std::vector<float> flat(1000, 0.0f);
    options.top_k = 0;
    options.top_p = 1;
    kr::Sampler sampler = value(kr::Sampler::create(options));
    for (int i = 0; i < 3; ++i) value(sampler.sample(flat));
    kr::Sampler copy = value(sampler.clone());
    std::vector<int32_t> expected, found;
    for (int i = 0; i < 8; ++i) expected.push_back(value(sampler.sample(flat)));
    for (int i = 0; i < 8; ++i) found.push_back(value(copy.sample(flat)));
    EXPECT_EQ(found, expected);
    krait_sampler* out = nullptr;
    EXPECT_EQ(krait_sampler_clone(nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_sampler_clone(sampler.get(), nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApiSampler, AConstraintForbidsTokens) {
    const kr::Model model = value(kr::Model::load());
    struct Forbidden {
        int32_t token = -1;
        bool ends = false;
    } forbidden;
    krait_sampler_options options = greedy();
    kr::Sampler free = value(kr::Sampler::create(options));
    options.user = &forbidden;
    options.constraint = [](void* user, float* logits, size_t n_token) {
        const auto* f = static_cast<const Forbidden*>(user);
        if (f->token >= 0 && static_cast<size_t>(f->token) < n_token)
            logits[f->token] = -std::numeric_limits<float>::infinity();
        return f->ends ? 1 : 0;
    };
    kr::Sampler sampler = value(kr::Sampler::create(options));
    EXPECT_EQ(free.needs(), 1);
    EXPECT_EQ(sampler.needs(), 0) << "it must see all logits";
    kr::Session session = value(kr::Session::create(model));
    const auto tokens = value(model.tokenize("It was"));
    value(session.decode(tokens));
    const int32_t best = value(session.sample(free));
    EXPECT_EQ(value(session.sample(sampler)), best);
    forbidden.token = best;
    EXPECT_NE(value(session.sample(sampler)), best);
    EXPECT_EQ(value(session.sample(free)), best) << "the session's logits are as before";
    forbidden.ends = true;
    EXPECT_EQ(session.sample(sampler).failure().code, KRAIT_CANCELLED);
    value(session.decode_top(tokens, 1));
    const auto few = session.sample(sampler);
    ASSERT_FALSE(few);
    EXPECT_EQ(few.failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(few.failure().message.find("needs all logits"), std::string::npos) << few.failure().message;
}

TEST(CApiSampler, MistakesAreSentences) {
    kr::Sampler sampler = value(kr::Sampler::create(greedy()));
    EXPECT_EQ(sampler.sample({}).failure().code, KRAIT_INVALID_ARGUMENT);
    int32_t token = 0;
    EXPECT_EQ(krait_sampler_sample(nullptr, kLogits.data(), 4, &token, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_sampler_sample(sampler.get(), nullptr, 4, &token, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_sampler_sample(sampler.get(), kLogits.data(), 4, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    const std::array<float, 2> broken{NAN, 1.0f};
    EXPECT_EQ(sampler.sample(broken).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(sampler.sample(broken).failure().message, "the logit of token 0 is nan; a number or -infinity is possible");
    krait_sampler_options spoiling = greedy();
    spoiling.constraint = [](void*, float* logits, size_t) {
        logits[2] = INFINITY;
        return 0;
    };
    kr::Sampler spoilt = value(kr::Sampler::create(spoiling));
    EXPECT_EQ(spoilt.sample(kLogits).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(spoilt.sample(kLogits).failure().message,
              "the logit that the constraint left of token 2 is inf; a number or -infinity is possible");
    krait_sampler_options options = greedy();
    options.struct_size = 0;
    EXPECT_EQ(kr::Sampler::create(options).failure().code, KRAIT_INVALID_ARGUMENT);
    options = greedy();
    options.repetition_window = 1025;
    EXPECT_EQ(kr::Sampler::create(options).failure().code, KRAIT_INVALID_ARGUMENT);
}

}  // namespace
