// SPDX-License-Identifier: Apache-2.0
//
// The counts of a benchmark, on the demo model: 8 layers, d_model 320, d_inner 640, d_state 16, d_conv 4, dt_rank 32, 4096
// tokens, head tied to the embedding, all matrices Q8_0.
#include "bench/model_bench.hpp"

#include <gtest/gtest.h>

#include <map>

namespace krait::bench {
namespace {

api::Result<api::Model> demo(krait_model_options options) {
    options.device = "cpu";
    return api::Model::load_with({}, options);
}

BenchPlan short_plan() { return {.prompts = {5}, .decodes = {3}, .batches = {1, 2}, .repetitions = 2, .chunk = 4}; }

constexpr double kLayerWeights = 8.0 * (2 * 640 * 320 + 640 * 4 + (32 + 2 * 16) * 640 + 640 * 32 + 320 * 640);
constexpr double kHeadWeights = 4096.0 * 320;
constexpr double kState = 8.0 * (3 * 640 + 640 * 16) * 4;
// Matrices at 34 bytes for 32; norms, conv, A, D and biases as F32.
constexpr double kBytes =
    (kLayerWeights - 8.0 * 640 * 4 + kHeadWeights) * 34 / 32 + 4.0 * (8 * (320 + 640 * 4 + 640 + 640 + 640 * 16 + 640) + 320);
constexpr double kRow = 320.0 * 34 / 32;

TEST(ModelWork, CountsWhatADecodeStepNeeds) {
    const auto model = demo(KRAIT_MODEL_OPTIONS_INIT);
    ASSERT_TRUE(model) << model.failure().message;
    const auto found = ModelWork::of(*model);
    ASSERT_TRUE(found) << found.error().message;
    const ModelWork& work = *found;
    EXPECT_EQ(work.widest, DType::Q8_0);
    EXPECT_EQ(work.bytes(3, 3, 3), kBytes + 3 * kRow + 2 * 3 * kState);
    EXPECT_EQ(work.bytes(3, 1, 0), kBytes - kHeadWeights * 34 / 32 + 3 * kRow + 2 * kState);
    EXPECT_EQ(work.operations(512, 1), 2 * (512 * kLayerWeights + kHeadWeights));
}

// Batches of several are decoded as ever.
TEST(ModelBench, ChainsOfOneSequence) {
    BenchPlan plan = short_plan();
    plan.prompts = {};
    plan.decodes = {10};
    plan.chain = 4;
    const auto result = run_bench(demo, plan);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->series.size(), 2u);
    EXPECT_EQ(result->series[0].name(), "decode 10 by 4");
    EXPECT_EQ(result->series[0].chain, 4);
    EXPECT_EQ(result->series[0].seconds.size(), 2u);
    EXPECT_EQ(result->series[1].name(), "decode 10");
    EXPECT_EQ(result->series[1].chain, 1);
}

// Sequences have pages of their own, however few tokens each has.
TEST(ModelBench, ManySequencesOfAModelWithAttention) {
    const auto hybrid = [](krait_model_options options) {
        options.device = "cpu";
        return api::Model::load_with("tests/golden/hybrids/granite_moe_nope", options);
    };
    BenchPlan plan = short_plan();
    plan.batches = {16};
    plan.depth = 33;
    const auto result = run_bench(hybrid, plan);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->series.back().n_seq, 16);
    EXPECT_EQ(result->series.back().seconds.size(), 2u);
}

TEST(ModelBench, CancellingTellsHowFarItCame) {
    BenchPlan plan = short_plan();
    std::atomic<bool> cancel{false};
    plan.cancel = &cancel;
    const auto cancelled_at = [&](const std::string& label) {
        cancel = false;
        plan.progress = [&](const std::string& now, uint64_t, uint64_t) { cancel = cancel || now == label; };
        const auto result = run_bench(demo, plan);
        if (result) return std::string("it was not cancelled");
        EXPECT_EQ(result.error().code, ErrorCode::cancelled);
        return result.error().message;
    };
    EXPECT_EQ(cancelled_at("loading"), "cancelled while the model was loaded");
    EXPECT_EQ(cancelled_at("prompt 5"), "cancelled after 0 of 3 tests");
    EXPECT_EQ(cancelled_at("decode 3"), "cancelled after 1 of 3 tests");
    EXPECT_EQ(cancelled_at("decode 3 x 2"), "cancelled after 2 of 3 tests");
    plan.chain = 2;
    EXPECT_EQ(cancelled_at("decode 3 by 2"), "cancelled after 1 of 3 tests");
}

TEST(ModelBench, TimesEverythingThatWasPlanned) {
    const auto result = run_bench(demo, short_plan());
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->series.size(), 3u);
    EXPECT_EQ(result->series[0].name(), "prompt 5");
    EXPECT_EQ(result->series[1].name(), "decode 3");
    EXPECT_EQ(result->series[2].n_seq, 2);
    EXPECT_EQ(result->series[2].tokens(), 6);
    for (const Series& series : result->series) {
        ASSERT_EQ(series.seconds.size(), 2u) << series.name();
        for (const double seconds : series.seconds) EXPECT_GT(seconds, 0);
    }
    // A prompt of 5 in runs of 4 reads the layers twice, and the head once.
    EXPECT_EQ(result->series[0].bytes, 2 * kBytes - kHeadWeights * 34 / 32 + 5 * kRow + 4 * kState);
    EXPECT_EQ(result->series[0].operations, 2 * (5 * kLayerWeights + kHeadWeights));
    EXPECT_EQ(result->series[2].operations, 3 * 2 * 2 * (kLayerWeights + kHeadWeights));
    EXPECT_GT(result->load.load, 0);
    EXPECT_GT(result->load.first_token, result->load.load);
    EXPECT_FALSE(result->load.read_once);
    EXPECT_GT(result->peak_memory, uint64_t{1} << 20);
}

// Two prompts of 5 in runs of 4 rows: 4 of the first; 1 and 3; 2 of the second. The last two runs have an end, and so the head.
TEST(ModelBench, PromptsSideBySide) {
    BenchPlan plan = short_plan();
    plan.sequences = {1, 2};
    plan.decodes = {0};
    std::map<std::string, std::pair<uint64_t, uint64_t>> last;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t total) { last[label] = {done, total}; };
    const auto result = run_bench(demo, plan);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->series.size(), 2u);
    const Series& two = result->series[1];
    EXPECT_EQ(two.n_seq, 2);
    EXPECT_EQ(two.tokens(), 10);
    EXPECT_EQ(two.bytes, 3 * kBytes - kHeadWeights * 34 / 32 + 10 * kRow + 2 * 4 * kState);
    EXPECT_EQ(two.operations, 2 * (10 * kLayerWeights + 2 * kHeadWeights));
    EXPECT_EQ(last.at("prompt 5 x 2"), (std::pair<uint64_t, uint64_t>(30, 30))) << "two repetitions and one before them";
}

TEST(ModelBench, ZeroLeavesOut) {
    BenchPlan plan = short_plan();
    plan.prompts = {0};
    plan.decodes = {0};
    const auto result = run_bench(demo, plan);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->series.empty());
}

TEST(ModelBench, ProgressCountsEveryToken) {
    BenchPlan plan = short_plan();
    std::map<std::string, std::pair<uint64_t, uint64_t>> last;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t total) { last[label] = {done, total}; };
    ASSERT_TRUE(run_bench(demo, plan));
    for (const auto& [label, counts] : last) EXPECT_EQ(counts.first, counts.second) << label;
    EXPECT_TRUE(last.contains("prompt 5") && last.contains("decode 3 x 2"));
}

TEST(ModelBench, AMissingFileIsAnError) {
    BenchPlan plan = short_plan();
    plan.path = "no-such-file.gguf";
    const auto missing = [&](krait_model_options options) { return api::Model::load_with(plan.path, options); };
    const auto result = run_bench(missing, plan);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("no-such-file.gguf"), std::string::npos);
}

}  // namespace
}  // namespace krait::bench
