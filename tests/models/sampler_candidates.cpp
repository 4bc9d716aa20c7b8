// SPDX-License-Identifier: Apache-2.0
//
// A sampler chooses from the most likely tokens what it chooses from all logits.
#include <algorithm>
#include <random>

#include "tests/models/sampler_fixture.hpp"

namespace krait::test {
namespace {

std::vector<Candidate> top_k(std::span<const float> logits, size_t k) {
    std::vector<Candidate> all;
    for (size_t i = 0; i < logits.size(); ++i) all.push_back({logits[i], static_cast<int32_t>(i)});
    std::sort(all.begin(), all.end(), likelier);
    all.resize(std::min(k, all.size()));
    return all;
}

TEST(SamplerCandidates, GiveTheTokenThatAllLogitsGive) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 3);
    for (const SamplerOptions& options :
         {SamplerOptions{}, SamplerOptions{.temperature = 0}, SamplerOptions{.top_k = 1},
          SamplerOptions{.top_k = 7, .top_p = 0.5f}, SamplerOptions{.top_k = 50, .min_p = 0.2f}, SamplerOptions{.top_k = 300},
          SamplerOptions{.top_k = 5, .repetition_penalty = 2, .repetition_window = 0}}) {
        Sampler all = make_sampler(options), few = make_sampler(options);
        ASSERT_GT(few.n_needed(), 0);
        for (int draw = 0; draw < 200; ++draw) {
            std::vector<float> logits(101);
            for (float& logit : logits) logit = std::round(normal(random));  // many are equal
            const auto candidates = top_k(logits, static_cast<size_t>(few.n_needed()));
            const auto expected = all.sample(logits);
            const auto chosen = few.sample(candidates, logits.size());
            ASSERT_TRUE(chosen) << chosen.error().message;
            ASSERT_EQ(*chosen, *expected) << "draw " << draw << ", top_k " << options.top_k;
        }
    }
}

TEST(SamplerCandidates, WhatIsTooFewOrBroken) {
    const auto expect_error = [](const SamplerOptions& options, std::span<const Candidate> given, ErrorCode code,
                                 const std::string& words) {
        const auto chosen = make_sampler(options).sample(given, 100);
        ASSERT_FALSE(chosen);
        EXPECT_EQ(chosen.error().code, code);
        EXPECT_NE(chosen.error().message.find(words), std::string::npos) << chosen.error().message;
    };
    const std::vector<Candidate> two{{2, 5}, {1, 7}};
    expect_error({.top_k = 3}, two, ErrorCode::invalid_argument, "needs 3 candidates, not the 2 most likely tokens");
    expect_error({.top_k = 0}, two, ErrorCode::invalid_argument, "needs all logits");
    expect_error({.top_k = 2, .repetition_penalty = 1.5f}, two, ErrorCode::invalid_argument, "needs all logits");
    expect_error({.temperature = 0}, {}, ErrorCode::invalid_argument, "needs 1 candidates, not the 0");
    EXPECT_EQ(make_sampler({.temperature = 0, .repetition_penalty = 1.5f}).n_needed(), 0);
    expect_error({.top_k = 2}, std::vector<Candidate>{{kNan, 0}, {kNan, 1}}, ErrorCode::internal,
                 "the logit of token 0 is nan");
    expect_error({.top_k = 2}, std::vector<Candidate>{{kInfinity, 4}, {1, 1}}, ErrorCode::internal, "token 4 is inf");
    expect_error({.top_k = 2}, std::vector<Candidate>{{-kInfinity, 4}, {-kInfinity, 5}}, ErrorCode::invalid_argument,
                 "no token is allowed");
}

}  // namespace
}  // namespace krait::test
