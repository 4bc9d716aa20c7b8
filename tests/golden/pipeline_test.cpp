// SPDX-License-Identifier: Apache-2.0
//
// Pipelines over devices of different backends: the golden tokens again and again, far beyond one run, in two sequences at
// once, against one device.
#include <fmt/ranges.h>

#include "models/session/session.hpp"
#include "tests/golden/devices.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

std::string golden(const std::string& file) { return std::string(test::kGoldenFolder) + "/" + file; }

std::vector<float> logits_of(const Session& session, size_t input, size_t n_row) {
    std::vector<float> logits;
    for (size_t row = 0; row < n_row; ++row)
        logits.insert(logits.end(), session.logits(input, row).begin(), session.logits(input, row).end());
    return logits;
}

class GoldenPipeline : public testing::TestWithParam<std::string> {};

TEST_P(GoldenPipeline, SaysWhatOneDeviceSays) {
    const std::string path = golden(GetParam() + ".gguf");
    const auto tokens = test::read_npy<int32_t>(golden(GetParam() + ".tokens.npy"));
    std::vector<int32_t> a, b;
    while (a.size() < 200) a.insert(a.end(), tokens.begin(), tokens.end());
    while (b.size() < 150) b.insert(b.end(), tokens.rbegin(), tokens.rend());
    const std::vector<SequenceInput> batch{{.sequence = 0, .tokens = a, .want = WantLogits::all},
                                           {.sequence = 1, .tokens = b, .want = WantLogits::all}};
    const auto one = Model::load(path, {.device = "reference"});
    ASSERT_TRUE(one) << one.error().message;
    auto expected = Session::create(*one, {.max_sequences = 2});
    ASSERT_TRUE(expected->decode(batch));

    auto order = test::devices_there();
    std::erase(order, "reference");  // it is what the others are held to
    if (order.size() < 2) GTEST_SKIP() << "one device alone: GoldenDevice says why";
    std::sort(order.begin(), order.end());
    do {
        SCOPED_TRACE(fmt::format("{}", fmt::join(order, ",")));
        const auto several = Model::load(path, {.device = fmt::format("{}", fmt::join(order, ",")),
                                                .placement = {.split = std::vector<double>(order.size(), 1)}});
        ASSERT_TRUE(several) << several.error().message;
        ASSERT_EQ((*several)->n_used_devices(), order.size());
        auto got = Session::create(*several, {.max_sequences = 2});
        int n_run = 0;
        const auto decoded = got->decode(batch, {.cancel = nullptr, .progress = [&](int64_t, int64_t) { ++n_run; }});
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_GT(n_run, 2) << "a pipeline has several micro-batches";
        EXPECT_LE(test::nmse(logits_of(*got, 0, a.size()), logits_of(*expected, 0, a.size())), 1e-9);
        EXPECT_LE(test::nmse(logits_of(*got, 1, b.size()), logits_of(*expected, 1, b.size())), 1e-9);
    } while (std::next_permutation(order.begin(), order.end()));
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenPipeline, testing::Values("mamba", "falcon_mamba", "mamba2"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace krait
