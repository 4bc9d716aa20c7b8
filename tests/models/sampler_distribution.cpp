// SPDX-License-Identifier: Apache-2.0
//
// Draws come as often as their probabilities say: chi-square, with fixed seeds, so a test that passes always passes.
#include "tests/models/sampler_fixture.hpp"

namespace krait::test {
namespace {

// Sum of (observed - expected)^2 / expected over the tokens of positive probability; a token of probability 0 must not come.
double chi_square(const std::map<int32_t, int>& drawn, const std::vector<double>& probabilities, int n) {
    double sum = 0;
    for (size_t token = 0; token < probabilities.size(); ++token) {
        const auto found = drawn.find(static_cast<int32_t>(token));
        const double observed = found == drawn.end() ? 0 : found->second;
        const double expected = probabilities[token] * n;
        if (expected == 0) {
            EXPECT_EQ(observed, 0) << "token " << token;
        } else {
            sum += (observed - expected) * (observed - expected) / expected;
        }
    }
    return sum;
}

std::vector<double> normalized(std::vector<double> weights) {
    double total = 0;
    for (const double weight : weights) total += weight;
    for (double& weight : weights) weight /= total;
    return weights;
}

constexpr int kDraws = 100'000;
// Quantile 0.999 of chi-square with 4, 3 and 2 degrees of freedom.
constexpr double kLimit4 = 18.47, kLimit3 = 16.27, kLimit2 = 13.82;

const std::vector<double> kProbabilities{0.05, 0.4, 0.1, 0.25, 0.2};

TEST(SamplerDistribution, IsSoftmax) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        SamplerOptions options = no_filters();
        options.seed = seed;
        Sampler sampler = make_sampler(options);
        EXPECT_LT(chi_square(counts(sampler, logits_of(kProbabilities), kDraws), kProbabilities, kDraws), kLimit4) << seed;
    }
}

// p^(1/T), normalized.
TEST(SamplerDistribution, FollowsTheTemperature) {
    for (const float temperature : {0.5f, 2.0f}) {
        std::vector<double> expected = kProbabilities;
        for (double& p : expected) p = std::pow(p, 1 / static_cast<double>(temperature));
        SamplerOptions options = no_filters();
        options.temperature = temperature;
        Sampler sampler = make_sampler(options);
        EXPECT_LT(chi_square(counts(sampler, logits_of(kProbabilities), kDraws), normalized(expected), kDraws), kLimit4)
            << temperature;
    }
}

// Tokens that the filters leave keep their proportions.
TEST(SamplerDistribution, KeepsProportionsBehindTheFilters) {
    const auto logits = logits_of(kProbabilities);
    SamplerOptions options = no_filters();
    options.top_k = 4;
    Sampler top_k = make_sampler(options);
    EXPECT_LT(chi_square(counts(top_k, logits, kDraws), normalized({0, 0.4, 0.1, 0.25, 0.2}), kDraws), kLimit3);
    options.top_k = 0;
    options.top_p = 0.7f;
    Sampler top_p = make_sampler(options);
    EXPECT_LT(chi_square(counts(top_p, logits, kDraws), normalized({0, 0.4, 0, 0.25, 0.2}), kDraws), kLimit2);
    options.top_p = 1;
    options.min_p = 0.3f;
    Sampler min_p = make_sampler(options);
    EXPECT_LT(chi_square(counts(min_p, logits, kDraws), normalized({0, 0.4, 0, 0.25, 0.2}), kDraws), kLimit2);
}

// A shift of all logits changes nothing, not even one draw.
TEST(SamplerDistribution, IgnoresAShift) {
    const std::vector<float> logits{1, 3, 2, 2.5f}, shifted{-1023, -1021, -1022, -1021.5f};
    Sampler a = make_sampler(no_filters()), b = make_sampler(no_filters());
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.sample(logits).value(), b.sample(shifted).value());
}

TEST(RandomNumbers, AreUniform) {
    Random random(2024);
    std::vector<int> bins(64);
    double sum = 0;
    for (int i = 0; i < 640'000; ++i) {
        const double u = random.uniform();
        ASSERT_GE(u, 0);
        ASSERT_LT(u, 1);
        ++bins[static_cast<size_t>(u * 64)];
        sum += u;
    }
    double chi = 0;
    for (const int bin : bins) chi += (bin - 10'000.0) * (bin - 10'000.0) / 10'000.0;
    EXPECT_LT(chi, 103.4) << "quantile 0.999 at 63 degrees of freedom";
    EXPECT_NEAR(sum / 640'000, 0.5, 0.0012) << "3.3 standard deviations";
}

}  // namespace
}  // namespace krait::test
