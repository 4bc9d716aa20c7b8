// SPDX-License-Identifier: Apache-2.0
//
// Input that a Sampler refuses: options out of range, logits that are no numbers, states that are damaged.
#include <functional>

#include "tests/models/sampler_fixture.hpp"

namespace krait::test {
namespace {

struct BadOption {
    std::string name;
    std::function<void(SamplerOptions&)> spoil;
    std::string range;
};

class SamplerRefuses : public testing::TestWithParam<BadOption> {};

TEST_P(SamplerRefuses, AndNamesTheRange) {
    SamplerOptions options;
    GetParam().spoil(options);
    const auto sampler = Sampler::create(options);
    ASSERT_FALSE(sampler);
    EXPECT_EQ(sampler.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(sampler.error().message.find(GetParam().range), std::string::npos) << sampler.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Options, SamplerRefuses,
    testing::Values(
        BadOption{"TemperatureNegative", [](auto& o) { o.temperature = -0.5f; }, "temperature is -0.5: it must be 0"},
        BadOption{"TemperatureNan", [](auto& o) { o.temperature = kNan; }, "temperature is nan"},
        BadOption{"TemperatureInfinite", [](auto& o) { o.temperature = kInfinity; }, "temperature is inf"},
        BadOption{"TopKNegative", [](auto& o) { o.top_k = -1; }, "top_k is -1: it must be 0"},
        BadOption{"TopPNegative", [](auto& o) { o.top_p = -0.1f; }, "top_p is -0.1: it must be between 0 and 1"},
        BadOption{"TopPAboveOne", [](auto& o) { o.top_p = 1.5f; }, "top_p is 1.5"},
        BadOption{"TopPNan", [](auto& o) { o.top_p = kNan; }, "top_p is nan"},
        BadOption{"MinPNegative", [](auto& o) { o.min_p = -1; }, "min_p is -1"},
        BadOption{"MinPAboveOne", [](auto& o) { o.min_p = 2; }, "min_p is 2"},
        BadOption{"MinPNan", [](auto& o) { o.min_p = kNan; }, "min_p is nan"},
        BadOption{"PenaltyZero", [](auto& o) { o.repetition_penalty = 0; }, "repetition_penalty is 0: it must be more"},
        BadOption{"PenaltyNan", [](auto& o) { o.repetition_penalty = kNan; }, "repetition_penalty is nan"},
        BadOption{"PenaltyInfinite", [](auto& o) { o.repetition_penalty = kInfinity; }, "repetition_penalty is inf"},
        BadOption{"WindowNegative", [](auto& o) { o.repetition_window = -1; }, "repetition_window is -1"},
        BadOption{"WindowTooLong", [](auto& o) { o.repetition_window = 1025; }, "between 0 (off) and 1024"}),
    [](const auto& test) { return test.param.name; });

TEST(SamplerOptions, BordersAreFine) {
    EXPECT_TRUE(Sampler::create({}));
    EXPECT_TRUE(Sampler::create({.temperature = 0, .top_k = 0, .top_p = 0, .min_p = 0, .repetition_window = 0}));
    EXPECT_TRUE(
        Sampler::create({.temperature = 1e-30f, .top_k = INT32_MAX, .top_p = 1, .min_p = 1, .repetition_window = 1024}));
}

struct BadLogits {
    std::string name;
    std::vector<float> logits;
    std::string says;
};

class SamplerLogits : public testing::TestWithParam<BadLogits> {};

TEST_P(SamplerLogits, AreRefusedAndTakeNoRandomNumber) {
    for (const float temperature : {0.0f, 1.0f}) {
        SamplerOptions options;
        options.temperature = temperature;
        Sampler sampler = make_sampler(options);
        const Random::State before = sampler.state().random;
        const auto token = sampler.sample(GetParam().logits);
        ASSERT_FALSE(token);
        EXPECT_NE(token.error().message.find(GetParam().says), std::string::npos) << token.error().message;
        EXPECT_EQ(sampler.state().random, before);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Broken, SamplerLogits,
    testing::Values(BadLogits{"None", {}, "no logits"}, BadLogits{"AllNan", {kNan, kNan, kNan}, "all 3 logits are NaN"},
                    BadLogits{"OneNan", {1, 2, kNan, 4}, "1 of 4 logits are NaN"},
                    BadLogits{"NanIsLocated", {1, 2, kNan, 4}, "token 2"},
                    BadLogits{"PlusInfinity", {1, kInfinity}, "1 are +infinity (the first is that of token 1)"},
                    BadLogits{"NanAndMinusInfinity", {-kInfinity, kNan}, "1 of 2 logits are NaN"},
                    BadLogits{"AllMinusInfinity", {-kInfinity, -kInfinity}, "all 2 logits are -infinity"}),
    [](const auto& test) { return test.param.name; });

TEST(SamplerState, DamagedStatesAreRefused) {
    Sampler sampler = make_sampler(no_filters());
    const SamplerState good = sampler.state();
    SamplerState bad = good;
    bad.version = 2;
    EXPECT_FALSE(sampler.restore(bad));
    bad = good;
    bad.n_recent = SamplerState::kMaxWindow + 1;
    EXPECT_FALSE(sampler.restore(bad));
    bad = good;
    bad.random = {};
    EXPECT_FALSE(sampler.restore(bad));
    EXPECT_TRUE(sampler.restore(good));
}

}  // namespace
}  // namespace krait::test
