// SPDX-License-Identifier: Apache-2.0
//
// Tokens that each filter leaves of a few, exactly; and of many, against a sort of all of them.
#include <algorithm>
#include <array>

#include "models/sampler/portable_exp.hpp"
#include "tests/models/sampler_fixture.hpp"

namespace krait::test {
namespace {

using Tokens = std::set<int32_t>;

// Probabilities 0.05, 0.4, 0.1, 0.25, 0.2 of tokens 0 to 4.
const std::vector<float> kLogits = logits_of({0.05, 0.4, 0.1, 0.25, 0.2});

TEST(SamplerGreedy, TakesTheLargestAndTheFirstOfEquals) {
    SamplerOptions options = no_filters();
    options.temperature = 0;
    Sampler sampler = make_sampler(options);
    EXPECT_EQ(sampler.sample(kLogits).value(), 1);
    EXPECT_EQ(sampler.sample(std::vector<float>{-3, -1, -1, -2}).value(), 1);
    EXPECT_EQ(sampler.sample(std::vector<float>{5, 5, 5}).value(), 0);
    EXPECT_EQ(sampler.sample(std::vector<float>{-0.0f, 0.0f}).value(), 0);
    EXPECT_EQ(sampler.sample(std::vector<float>{-kInfinity, -kInfinity, -1e30f}).value(), 2);
    EXPECT_EQ(sampler.sample(std::vector<float>{-7}).value(), 0);
    EXPECT_EQ(sampler.state().random, Random(options.seed).state()) << "greedy takes no random number";
}

TEST(SamplerTopK, LeavesTheKLargest) {
    SamplerOptions options = no_filters();
    const std::vector<Tokens> expected{{0, 1, 2, 3, 4}, {1}, {1, 3}, {1, 3, 4}, {1, 2, 3, 4}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}};
    for (options.top_k = 0; options.top_k <= 6; ++options.top_k) {
        EXPECT_EQ(possible(options, kLogits), expected[options.top_k]) << options.top_k;
    }
    options.top_k = 2;
    EXPECT_EQ(possible(options, std::vector<float>{1, 2, 2, 2}), (Tokens{1, 2})) << "equals: the lowest ids";
}

TEST(SamplerTopP, LeavesTheShortestRowThatReachesP) {
    SamplerOptions options = no_filters();
    const std::vector<std::pair<float, Tokens>> cases{
        {0.0f, {1}},        {0.3f, {1}},        {0.39f, {1}},          {0.41f, {1, 3}},          {0.64f, {1, 3}},
        {0.66f, {1, 3, 4}}, {0.84f, {1, 3, 4}}, {0.86f, {1, 2, 3, 4}}, {0.96f, {0, 1, 2, 3, 4}}, {1.0f, {0, 1, 2, 3, 4}}};
    for (const auto& [p, tokens] : cases) {
        options.top_p = p;
        EXPECT_EQ(possible(options, kLogits), tokens) << p;
    }
    options.top_p = 0.5f;
    EXPECT_EQ(possible(options, std::vector<float>{3, 3, 3, 3}), (Tokens{0, 1})) << "exactly half is enough; the lowest ids";
}

// top-p judges what top-k left: of 0.4 and 0.25 the first alone has 0.615.
TEST(SamplerTopP, IsRelativeToWhatTopKLeft) {
    SamplerOptions options = no_filters();
    options.top_k = 2;
    options.top_p = 0.61f;
    EXPECT_EQ(possible(options, kLogits), Tokens{1});
    options.top_p = 0.62f;
    EXPECT_EQ(possible(options, kLogits), (Tokens{1, 3}));
    options.top_k = 0;
    options.top_p = 0.61f;
    EXPECT_EQ(possible(options, kLogits), (Tokens{1, 3}));
}

TEST(SamplerMinP, LeavesWhatIsNearTheLargest) {
    SamplerOptions options = no_filters();
    // Relative to 0.4: 0.125, 1, 0.25, 0.625, 0.5
    const std::vector<std::pair<float, Tokens>> cases{{0.0f, {0, 1, 2, 3, 4}},
                                                      {0.12f, {0, 1, 2, 3, 4}},
                                                      {0.13f, {1, 2, 3, 4}},
                                                      {0.26f, {1, 3, 4}},
                                                      {0.51f, {1, 3}},
                                                      {0.63f, {1}},
                                                      {1.0f, {1}}};
    for (const auto& [m, tokens] : cases) {
        options.min_p = m;
        EXPECT_EQ(possible(options, kLogits), tokens) << m;
    }
    options.min_p = 1;
    EXPECT_EQ(possible(options, std::vector<float>{2, 7, 7, 1}), (Tokens{1, 2}));
}

// The filters look at the model's probabilities, not at those that the temperature makes.
TEST(SamplerTemperature, DoesNotChangeWhatTheFiltersLeave) {
    for (const float temperature : {0.7f, 1.0f, 1.5f, 20.0f}) {
        SamplerOptions options = no_filters();
        options.temperature = temperature;
        options.top_p = 0.66f;
        EXPECT_EQ(possible(options, kLogits), (Tokens{1, 3, 4})) << temperature;
        options.top_p = 1;
        options.min_p = 0.26f;
        EXPECT_EQ(possible(options, kLogits), (Tokens{1, 3, 4})) << temperature;
    }
    SamplerOptions cold = no_filters();
    cold.temperature = 1e-30f;
    EXPECT_EQ(possible(cold, kLogits), Tokens{1});
}

TEST(SamplerMinusInfinity, NeverComes) {
    const std::vector<float> logits{-kInfinity, 0, -kInfinity, 1, -kInfinity};
    for (const int32_t top_k : {0, 2, 4, 5}) {
        for (const float top_p : {1.0f, 0.99f}) {
            SamplerOptions options = no_filters();
            options.top_k = top_k;
            options.top_p = top_p;
            options.temperature = 50;
            EXPECT_EQ(possible(options, logits), (Tokens{1, 3})) << top_k << " " << top_p;
        }
    }
}

TEST(SamplerExtremes, HugeLogitsAndPenaltiesStayFinite) {
    SamplerOptions options = no_filters();
    const float huge = std::numeric_limits<float>::max();
    EXPECT_EQ(possible(options, std::vector<float>{-huge, huge, -huge}), Tokens{1});
    EXPECT_EQ(possible(options, std::vector<float>{huge, huge}), (Tokens{0, 1}));
    options.repetition_penalty = huge;
    Sampler sampler = make_sampler(options);
    sampler.accept(0);
    EXPECT_EQ(sampler.sample(std::vector<float>{-huge, -kInfinity}).value(), 0) << "the only token there is";
    options.repetition_penalty = 1e-38f;
    Sampler attracted = make_sampler(options);
    attracted.accept(0);
    attracted.accept(1);
    EXPECT_EQ(counts(attracted, std::vector<float>{huge, huge / 2, 1}, 2000).size(), 2u);
}

// Thousands of tokens, the selection in parts, against a sort of all.
TEST(SamplerFilters, AgreeWithASortOfAll) {
    Random random(9);
    for (int round = 0; round < 60; ++round) {
        std::vector<Candidate> all(1 + random.next() % 5000);
        const double spread = std::array{0.0, 0.01, 1.0, 10.0}[round % 4];  // 0: all equal
        for (size_t i = 0; i < all.size(); ++i) {
            all[i] = {static_cast<float>(std::floor(random.uniform() * 100) / 100 * spread), static_cast<int32_t>(i)};
        }
        std::vector<Candidate> sorted = all;
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.logit > b.logit; });
        const auto tokens = [](std::span<const Candidate> list) {
            std::vector<int32_t> ids;
            for (const Candidate& candidate : list) ids.push_back(candidate.token);
            return ids;
        };
        EXPECT_EQ(all[most_likely(all)].token, sorted[0].token);

        for (const size_t k : {size_t{1}, size_t{40}, size_t{256}, size_t{257}, size_t{3000}, all.size()}) {
            std::vector<Candidate> kept = all;
            keep_top_k(kept, k);
            EXPECT_EQ(tokens(kept), tokens(std::span(sorted).first(std::min(k, sorted.size()))))
                << "k " << k << " of " << all.size();
        }
        double total = 0;
        for (const Candidate& candidate : sorted) total += std::exp(static_cast<double>(candidate.logit));
        for (const double p : {0.0, 0.1, 0.5, 0.9, 0.999}) {
            std::vector<Candidate> kept = all, kept_sorted = sorted;
            keep_top_p(kept, p, false);
            keep_top_p(kept_sorted, p, true);
            double sum = 0, before = 0;
            for (const Candidate& candidate : kept) before = sum, sum += std::exp(static_cast<double>(candidate.logit));
            EXPECT_EQ(tokens(kept), tokens(std::span(sorted).first(kept.size())));
            EXPECT_GE(sum, p * total * (1 - 1e-12));
            EXPECT_LE(before, p * total * (1 + 1e-12)) << "one less would have been enough";
            // Summed in another order, a tie may fall on either side.
            EXPECT_NEAR(static_cast<double>(kept.size()), static_cast<double>(kept_sorted.size()), 1);
        }
        std::vector<Candidate> near = all;
        keep_min_p(near, 0.5);
        const auto expected = std::count_if(all.begin(), all.end(), [&](const Candidate& c) {
            return std::exp(static_cast<double>(c.logit) - static_cast<double>(sorted[0].logit)) >= 0.5;
        });
        EXPECT_EQ(static_cast<std::ptrdiff_t>(near.size()), expected);
        EXPECT_TRUE(std::is_sorted(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.token < b.token; }));
    }
}

TEST(PortableExp, IsExpToTheLastPlaces) {
    Random random(4);
    for (int i = 0; i < 200'000; ++i) {
        const double x = -random.uniform() * (i % 2 == 0 ? 1 : 700);
        ASSERT_NEAR(portable_exp(x) / std::exp(x), 1.0, 4e-16) << x;
    }
    EXPECT_EQ(portable_exp(0), 1);
    EXPECT_EQ(portable_exp(-0.0), 1);
    EXPECT_EQ(portable_exp(-1e300), 0);
    EXPECT_EQ(portable_exp(-std::numeric_limits<double>::infinity()), 0);
    EXPECT_GT(portable_exp(-707.9), 0);
    // The bits, which every machine must have.
    EXPECT_EQ(portable_exp(-1), 0x1.78b56362cef38p-2);
    EXPECT_EQ(portable_exp(-0.1), 0x1.cf46d99d52b3ap-1);
}

}  // namespace
}  // namespace krait::test
