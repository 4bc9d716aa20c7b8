// SPDX-License-Identifier: Apache-2.0
//
// The load of krait bench --serving: the same trace each time, all of its tokens, both kinds of shapes.
#include "bench/serving.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace krait::bench {
namespace {

api::Model demo() {
    auto model = api::Model::load({}, "cpu");
    EXPECT_TRUE(static_cast<bool>(model)) << model.failure().message;
    return std::move(*model);
}

ServingPlan short_plan() {
    return {.requests = 12,
            .max_sequences = 5,
            .arrivals = 1.5f,
            .longest_prompt = 40,
            .longest_answer = 9,
            .chunk = 32,
            .repetitions = 2,
            .load = {.conversations = 3, .turns = 4, .prompt = 9, .answer = 5, .shared = 20, .long_prompt = 300}};
}

int64_t tokens_of(const ServingPlan& plan) {
    int64_t tokens = 0;
    for (const ServedRequest& request : trace_of(plan)) tokens += request.prompt + request.answer;
    return tokens;
}

TEST(Serving, ATraceIsThatOfItsSeed) {
    ServingPlan plan = short_plan();
    plan.requests = 400;
    const auto trace = trace_of(plan);
    ASSERT_EQ(trace.size(), 400u);
    for (size_t i = 0; i < trace.size(); ++i) {
        EXPECT_GE(trace[i].prompt, 1);
        EXPECT_LE(trace[i].prompt, plan.longest_prompt);
        EXPECT_GE(trace[i].answer, 1);
        EXPECT_LE(trace[i].answer, plan.longest_answer);
        EXPECT_GE(trace[i].step, trace[i > 0 ? i - 1 : 0].step);
    }
    EXPECT_NEAR(static_cast<double>(trace.back().step), 400 / static_cast<double>(plan.arrivals), 60)
        << "as many a step as was asked for";
    EXPECT_EQ(trace_of(plan)[7].prompt, trace[7].prompt);
    ServingPlan other = plan;
    other.seed = 2;
    EXPECT_NE(tokens_of(other), tokens_of(plan));
}

TEST(Serving, EveryTokenOfTheTraceIsRead) {
    ServingPlan plan = short_plan();
    uint64_t last_done = 0, last_total = 0;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t total) {
        if (label == "serving") last_done = done, last_total = total;
    };
    const auto result = run_serving(demo(), plan);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->runs.size(), 2u);
    for (const ServedShapes& run : result->runs) {
        EXPECT_EQ(run.tokens, tokens_of(plan));
        EXPECT_EQ(run.repetitions, 2);
        EXPECT_EQ(run.step_seconds.size() % 2, 0u);
        EXPECT_LE(run.percentile(0.5), run.percentile(0.99));
        EXPECT_EQ(run.median_steps().size() * 2, run.step_seconds.size());
    }
    EXPECT_EQ(result->runs[0].step_seconds.size(), result->runs[1].step_seconds.size()) << "the same steps";
    EXPECT_FALSE(result->runs[0].exact);
    EXPECT_TRUE(result->runs[1].exact);
    EXPECT_LT(result->runs[0].figures.n_program, result->runs[1].figures.n_program);
    EXPECT_EQ(result->runs[0].figures.n_arena, 1u);
    EXPECT_EQ(last_total, 4 * static_cast<uint64_t>(tokens_of(plan)));
    EXPECT_EQ(last_done, last_total);

    const auto json = nlohmann::json::parse(serving_report(*result, plan, "json"));
    ASSERT_EQ(json["results"].size(), 2u);
    EXPECT_EQ(json["results"][0]["shapes"], "few");
    EXPECT_EQ(json["results"][0]["tokens"], tokens_of(plan));
    EXPECT_EQ(json["results"][1]["programs"], result->runs[1].figures.n_program);
    EXPECT_EQ(json["serving"]["requests"], 12);
    for (const char* form : {"table", "md", "csv"}) {
        const std::string text = serving_report(*result, plan, form);
        EXPECT_NE(text.find("few"), std::string::npos) << text;
        EXPECT_NE(text.find("exact"), std::string::npos) << text;
    }
}

// Every conversation has its turns, each of which reads what is new; the long prompt is in no figure.
TEST(Serving, ConversationsGoThroughTheEngine) {
    ServingPlan plan = short_plan();
    plan.compares_shapes = false;
    plan.load.exact_lengths = true;
    uint64_t last_done = 0;
    plan.progress = [&](const std::string& label, uint64_t done, uint64_t) {
        EXPECT_EQ(label, "engine");
        last_done = done;
    };
    const auto result = run_serving(demo(), plan);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->runs.empty());
    const LoadResult& load = result->load;
    EXPECT_EQ(load.requests, 12);
    EXPECT_EQ(last_done, 12u);
    EXPECT_EQ(load.prompt_tokens, 3 * (29 + 43 + 57 + 71u)) << "the whole conversation each time";
    EXPECT_EQ(load.generated_tokens, 12 * 5u);
    EXPECT_EQ(load.first_seconds.size(), 12u);
    EXPECT_EQ(load.token_seconds.size(), 12 * 4u);
    EXPECT_GE(load.cached_tokens, 3 * (33 + 47 + 61u)) << "all but the last token of the answer before";
    EXPECT_LE(load.good, load.requests);
    EXPECT_EQ(load.figures.prompt_tokens, load.prompt_tokens - load.cached_tokens + 300);
    const auto json = nlohmann::json::parse(serving_report(*result, plan, "json"));
    EXPECT_EQ(json["engine"]["cached_tokens"], load.cached_tokens);
    EXPECT_EQ(json["engine"]["requests"], 12);
    for (const char* form : {"table", "md", "csv"}) {
        const std::string text = serving_report(*result, plan, form);
        EXPECT_EQ(text.find("exact"), std::string::npos) << text;
        EXPECT_NE(text.find(form == std::string("csv") ? "ttft_p99" : "TTFT"), std::string::npos) << text;
    }
}

// Fewer rows than sequences: a step of decoding is several runs, prompts wait, and all is read in the end.
TEST(Serving, AStepMayHaveFewerRowsThanThereAreSequences) {
    for (const int32_t chunk : {1, 2}) {
        ServingPlan plan = short_plan();
        plan.chunk = chunk;
        plan.arrivals = 0.01f;
        plan.repetitions = 1;
        const auto result = run_serving(demo(), plan);
        ASSERT_TRUE(result) << result.error().message;
        for (const ServedShapes& run : result->runs) EXPECT_EQ(run.tokens, tokens_of(plan));
    }
}

TEST(Serving, PercentilesAreOfSteps) {
    ServedShapes run;
    EXPECT_EQ(run.percentile(0.5), 0);
    for (int i = 100; i >= 1; --i) run.step_seconds.push_back(i);
    EXPECT_EQ(run.percentile(0.5), 50);
    EXPECT_EQ(run.percentile(0.99), 99);
    EXPECT_EQ(run.percentile(1), 100);
    EXPECT_EQ(run.percentile(0), 1);
}

TEST(Serving, AStepIsTheMedianOfItsRepetitions) {
    ServedShapes run;
    run.repetitions = 3;
    run.step_seconds = {1, 20, 3, /**/ 10, 2, 4, /**/ 2, 3, 50};
    EXPECT_EQ(run.median_steps(), (std::vector<double>{2, 3, 4}));
    EXPECT_EQ(run.percentile(1), 4);
    EXPECT_EQ(run.percentile(0.5), 3);
    run.repetitions = 2;
    run.step_seconds = {5, 1, /**/ 4, 2};
    EXPECT_EQ(run.median_steps(), (std::vector<double>{4, 1})) << "the lower of two";
}

TEST(Serving, CancellingTellsHowFarItCame) {
    ServingPlan plan = short_plan();
    std::atomic<bool> cancel = false;
    plan.cancel = &cancel;
    plan.progress = [&](const std::string&, uint64_t done, uint64_t) { cancel = done > 20; };
    const auto result = run_serving(demo(), plan);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::cancelled);
    EXPECT_NE(result.error().message.find(" tokens"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace krait::bench
