// SPDX-License-Identifier: Apache-2.0
//
// Random schedules of requests that share prefixes, are forked, cancelled, paused and spilled while snapshots are evicted,
// beside the simple model: each request alone and cold. Every answer is a beginning of what that gives, and all of it where it
// was not cancelled. KRAIT_TEST_EFFORT=full goes on for 10,000 steps of each engine.
#include <map>
#include <thread>

#include "tests/engine/engine_fixture.hpp"
#include "tests/harness/effort.hpp"

namespace krait::engine {
namespace {

struct Case {
    const char* name;
    const char* model;
    EngineOptions options;
};

constexpr int64_t kFullSteps = 10'000;  // of the engine, where everything is tested

class ScheduleTest : public testing::TestWithParam<Case> {};

// A few texts, each of which begins with a part of another one.
std::vector<std::vector<int32_t>> texts(const Model& model, std::mt19937& random) {
    std::vector<std::vector<int32_t>> texts{random_tokens(model, 150, 1)};
    for (uint32_t i = 2; i < 9; ++i) {
        std::vector<int32_t> text = texts[random() % texts.size()];
        text.resize(random() % text.size());
        const auto more = random_tokens(model, 20 + random() % 60, i);
        text.insert(text.end(), more.begin(), more.end());
        texts.push_back(text);
    }
    return texts;
}

TEST_P(ScheduleTest, GivesTheTokensOfTheSimpleModel) {
    const auto model = golden_model(GetParam().model);
    ASSERT_TRUE(model);
    auto engine = Engine::create(model, GetParam().options);
    ASSERT_TRUE(engine) << engine.error().message;
    std::mt19937 random(7);
    const auto texts = engine::texts(*model, random);
    std::map<std::tuple<std::vector<int32_t>, uint64_t, bool>, std::vector<int32_t>> cold;  // by prompt, seed, sampler
    constexpr int64_t kLongest = 12;

    struct Open {
        Request request;
        RequestOptions options;
        std::vector<std::vector<int32_t>> got;
        size_t n_finished = 0;
        bool is_cancelled = false;
    };
    std::vector<Open> open;
    size_t n_whole = 0, n_cached = 0;
    const auto take = [&](Open& its, const Event& event) {
        const auto choice = static_cast<size_t>(event.choice);
        if (event.kind == Event::Kind::token) return its.got[choice].push_back(event.token);
        ++its.n_finished;
        const uint64_t seed = its.options.sampler.seed + choice;
        auto& expected = cold[{its.options.tokens, seed, its.options.sampler.temperature == 0}];
        if (expected.empty()) {
            RequestOptions one = its.options;
            one.max_tokens = kLongest;
            expected = alone(model, one, static_cast<int32_t>(choice));
        }
        ASSERT_LE(its.got[choice].size(), expected.size());
        ASSERT_TRUE(std::equal(its.got[choice].begin(), its.got[choice].end(), expected.begin()))
            << "prompt of " << its.options.tokens.size() << ", " << its.request.stats().reuse.text();
        if (event.finish == Finish::length) {
            ASSERT_EQ(static_cast<int64_t>(its.got[choice].size()), its.options.max_tokens);
            ++n_whole;
        } else {
            ASSERT_TRUE(event.finish == Finish::cancelled && its.is_cancelled);
        }
    };
    int n_submitted = 0;
    const int n_request = GetParam().options.max_sequences > 1 ? 260 : 80;
    const bool is_full = !harness::Effort::current().sampled;
    const auto goes_on = [&] { return n_submitted < n_request || (is_full && engine->stats().n_step < kFullSteps); };
    while (goes_on() || !open.empty()) {
        if (goes_on() && open.size() < 10) {
            const auto& text = texts[random() % texts.size()];
            RequestOptions options{
                .tokens = {text.begin(), text.begin() + 1 + static_cast<ptrdiff_t>(random() % text.size())},
                .sampler = {.temperature = random() % 2 == 0 ? 0.0f : 1.1f, .seed = random() % 4},
                .max_tokens = static_cast<int64_t>(random() % (kLongest + 1)),
                .n = 1 + static_cast<int32_t>(random() % static_cast<uint32_t>(std::min(3, GetParam().options.max_sequences))),
                .priority = static_cast<int32_t>(random() % 2),
                .key = std::to_string(random() % 3),
                .max_events = 6 + random() % 20};
            if (options.tokens.size() > 2 && random() % 3 == 0) options.message_ends = {options.tokens.size() / 2};
            auto request = engine->submit(options);
            ASSERT_TRUE(request) << request.error().message;
            const auto n = static_cast<size_t>(options.n);
            open.push_back({std::move(*request), std::move(options), std::vector<std::vector<int32_t>>(n)});
            ++n_submitted;
        }
        if (open.empty()) continue;
        Open& its = open[random() % open.size()];
        switch (random() % 12) {
            case 0:
                // One in four, chosen by its seed: how many of the others run to their end does not depend on how fast they do.
                if (its.options.sampler.seed == 3) {
                    its.is_cancelled = true;
                    its.request.cancel();
                }
                break;
            case 1: its.request.pause(false); break;
            case 2: its.request.pause(true); break;
            case 3: std::this_thread::yield(); break;
            default: its.request.go_on();
        }
        for (Open& any : open)
            for (int i = 0; i < 3; ++i)
                if (const auto event = any.request.try_next()) {
                    ASSERT_NO_FATAL_FAILURE(take(any, *event));
                }
        if (!goes_on())
            for (Open& any : open) any.request.go_on();
        std::erase_if(open, [&](const Open& done) {
            if (!done.request.is_finished()) return false;
            EXPECT_EQ(done.n_finished, done.got.size());
            n_cached += done.request.stats().reuse.cached_tokens;
            return true;
        });
    }
    EXPECT_GT(n_whole, static_cast<size_t>(n_submitted) / 2);
    if (GetParam().options.prefixes.max_snapshots > 1) {  // one alone is rarely that of the next prompt
        EXPECT_GT(n_cached, 1000u);
    }
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.queue.requests, 0);
    EXPECT_EQ(stats.queue.tokens, 0);
    EXPECT_LE(stats.snapshots, GetParam().options.prefixes.max_snapshots);
}

INSTANTIATE_TEST_SUITE_P(
    Engines, ScheduleTest,
    testing::Values(
        Case{"few_snapshots", "mamba", {.max_sequences = 4, .max_batch_tokens = 32, .prefixes = {.max_snapshots = 3}}},
        Case{"host_memory",
             "mamba2",
             {.max_sequences = 5, .max_batch_tokens = 64, .prefixes = {.max_snapshots = 2, .max_host_bytes = 1 << 20}}},
        Case{"no_snapshots", "mamba", {.max_sequences = 3, .max_batch_tokens = 16, .prefixes = {.max_snapshots = 0}}},
        Case{"one_sequence", "mamba", {.max_sequences = 1, .max_batch_tokens = 8, .prefixes = {.max_snapshots = 1}}},
        // Pages for two and a half of the longest requests: admission waits, and snapshots are evicted for their pages.
        Case{"few_pages",
             "hybrids/granite_moe_nope",
             {.max_sequences = 4,
              .max_batch_tokens = 48,
              .max_cached_tokens = 800,
              .max_sequence_tokens = 256,
              .prefixes = {.max_snapshots = 6, .max_host_bytes = 4 << 20}}}),
    [](const testing::TestParamInfo<Case>& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace krait::engine
