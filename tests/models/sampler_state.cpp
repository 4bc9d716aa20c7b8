// SPDX-License-Identifier: Apache-2.0
//
// The same seed gives the same tokens, on every machine; a state saved and restored goes on where it was; the repetition
// penalty and its window.
#include <cstring>

#include "tests/models/sampler_fixture.hpp"

namespace krait::test {
namespace {

std::vector<float> some_logits(size_t n) {
    Random random(77);
    std::vector<float> logits(n);
    for (float& logit : logits) logit = static_cast<float>(8 * random.uniform() - 4);
    return logits;
}

std::vector<int32_t> generate(Sampler& sampler, std::span<const float> logits, int n) {
    std::vector<int32_t> tokens;
    for (int i = 0; i < n; ++i) {
        tokens.push_back(sampler.sample(logits).value());
        sampler.accept(tokens.back());
    }
    return tokens;
}

SamplerOptions all_filters() {
    return {.temperature = 0.9f,
            .top_k = 50,
            .top_p = 0.9f,
            .min_p = 0.02f,
            .repetition_penalty = 1.3f,
            .repetition_window = 5,
            .seed = 42};
}

// The reference implementations of the two papers give these for seed 42.
TEST(RandomNumbers, AreThoseOfThePapers) {
    EXPECT_EQ(Random(42).state(),
              (Random::State{0xbdd732262feb6e95, 0x28efe333b266f103, 0x47526757130f9f52, 0x581ce1ff0e4ae394}));
    // By hand from the state 1, 2, 3, 4: rotl(2 * 5, 7) * 9 = 11520, then 0, 1509978240.
    Random random(Random::State{1, 2, 3, 4});
    EXPECT_EQ(random.next(), 11520u);
    EXPECT_EQ(random.next(), 0u);
    EXPECT_EQ(random.next(), 1509978240u);
}

// A sequence that must never change: sessions that were stored depend on it.
TEST(SamplerSeed, GivesTheTokensItAlwaysGave) {
    Sampler sampler = make_sampler(all_filters());
    EXPECT_EQ(generate(sampler, some_logits(100), 16),
              (std::vector<int32_t>{84, 59, 60, 60, 68, 84, 41, 38, 75, 39, 33, 3, 3, 10, 75, 83}));
    Sampler plain = make_sampler(no_filters());
    EXPECT_EQ(generate(plain, some_logits(1000), 16),
              (std::vector<int32_t>{699, 518, 589, 381, 694, 150, 83, 374, 876, 553, 935, 954, 935, 666, 610, 897}));
}

TEST(SamplerSeed, OtherSeedOtherTokens) {
    SamplerOptions other = all_filters();
    other.seed = 43;
    Sampler a = make_sampler(all_filters()), b = make_sampler(all_filters()), c = make_sampler(other);
    const auto logits = some_logits(100);
    const auto tokens = generate(a, logits, 50);
    EXPECT_EQ(generate(b, logits, 50), tokens);
    EXPECT_NE(generate(c, logits, 50), tokens);
    a.reset();
    EXPECT_EQ(generate(a, logits, 50), tokens);
}

// One random number a draw, whatever the filters leave: switching one on does not shift the others' luck.
TEST(SamplerSeed, ADrawTakesOneNumber) {
    const auto logits = some_logits(100);
    SamplerOptions single = no_filters();
    single.top_k = 1;
    Sampler a = make_sampler(no_filters()), b = make_sampler(single);
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(a.sample(logits) && b.sample(logits));
        ASSERT_EQ(a.state().random, b.state().random);
    }
}

TEST(SamplerState, GoesOnWhereItWas) {
    const auto logits = some_logits(100);
    for (int before = 0; before < 12; ++before) {  // the ring of 5 is empty, part full, full, wrapped
        Sampler original = make_sampler(all_filters());
        (void)generate(original, logits, before);
        const SamplerState state = original.state();
        std::vector<char> stored(sizeof state);
        std::memcpy(stored.data(), &state, sizeof state);
        SamplerState read;
        std::memcpy(&read, stored.data(), sizeof read);

        SamplerOptions other_seed = all_filters();
        other_seed.seed = 1;
        Sampler restored = make_sampler(other_seed);
        (void)generate(restored, logits, 3);
        ASSERT_TRUE(restored.restore(read));
        EXPECT_EQ(generate(restored, logits, 30), generate(original, logits, 30)) << before;
        const SamplerState a = restored.state(), b = original.state();
        EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0) << "equal samplers have equal bytes";
    }
}

TEST(SamplerState, AShorterWindowKeepsTheNewest) {
    SamplerOptions options = no_filters();
    Sampler wide = make_sampler(options);
    for (int32_t token = 0; token < 10; ++token) wide.accept(token);
    options.repetition_window = 3;
    Sampler narrow = make_sampler(options);
    ASSERT_TRUE(narrow.restore(wide.state()));
    const SamplerState state = narrow.state();
    ASSERT_EQ(state.n_recent, 3u);
    EXPECT_EQ(std::vector<int32_t>(state.recent.begin(), state.recent.begin() + 4), (std::vector<int32_t>{7, 8, 9, 0}));
}

SamplerOptions greedy_with(float penalty, int32_t window) {
    return {.temperature = 0, .repetition_penalty = penalty, .repetition_window = window};
}

TEST(SamplerPenalty, DividesPositiveAndMultipliesNegative) {
    Sampler sampler = make_sampler(greedy_with(2, 8));
    EXPECT_EQ(sampler.sample(std::vector<float>{3, 2, 1}).value(), 0);
    sampler.accept(0);
    EXPECT_EQ(sampler.sample(std::vector<float>{3, 2, 1}).value(), 1) << "3 / 2 < 2";
    EXPECT_EQ(sampler.sample(std::vector<float>{4, 2, 1}).value(), 0) << "4 / 2 = 2: the first of equals";
    EXPECT_EQ(sampler.sample(std::vector<float>{-1, -1.5f, -3}).value(), 1) << "-1 * 2 < -1.5";
    EXPECT_EQ(sampler.sample(std::vector<float>{-1, -2.5f, -3}).value(), 0) << "-1 * 2 > -2.5";
    sampler.accept(0);
    sampler.accept(0);
    EXPECT_EQ(sampler.sample(std::vector<float>{5, 2, 1}).value(), 0) << "once for a token, not once for each time";
}

TEST(SamplerPenalty, ChangesTheOddsBeforeTheFilters) {
    SamplerOptions options = no_filters();
    options.repetition_penalty = 2;
    options.top_k = 1;
    Sampler sampler = make_sampler(options);
    sampler.accept(1);
    EXPECT_EQ(counts(sampler, std::vector<float>{1, 1.9f}, 100), (std::map<int32_t, int>{{0, 100}}));
}

TEST(SamplerPenalty, ForgetsWhatLeftTheWindow) {
    const std::vector<float> logits{3, 2, 1, 0};
    Sampler sampler = make_sampler(greedy_with(2, 2));
    sampler.accept(0);
    sampler.accept(3);
    EXPECT_EQ(sampler.sample(logits).value(), 1);
    sampler.accept(3);  // the 0 leaves
    EXPECT_EQ(sampler.sample(logits).value(), 0);
    Sampler without = make_sampler(greedy_with(2, 0));
    without.accept(0);
    EXPECT_EQ(without.sample(logits).value(), 0);
}

TEST(SamplerPenalty, IgnoresTokensOutsideTheVocabulary) {
    Sampler sampler = make_sampler(greedy_with(2, 8));
    for (const int32_t token : {-1, 3, INT32_MAX, INT32_MIN}) sampler.accept(token);
    EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2}).value(), 1);
}

TEST(SamplerPenalty, BelowOneAttracts) {
    Sampler sampler = make_sampler(greedy_with(0.5f, 8));
    sampler.accept(2);
    EXPECT_EQ(sampler.sample(std::vector<float>{1.5f, 1, 1}).value(), 2);
}

}  // namespace
}  // namespace krait::test
