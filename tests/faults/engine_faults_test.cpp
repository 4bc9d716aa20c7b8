// SPDX-License-Identifier: Apache-2.0
//
// An engine whose device fails at any moment: requests that had no part in it give their tokens, the others end with an error,
// and all that come later are answered.
#include <gtest/gtest.h>

#include <random>

#include "engine/engine.hpp"
#include "tests/main/paths.hpp"

namespace krait::engine {
namespace {

constexpr int kFaults = 500;  // n runs from 1 to this, or to where nothing fails any more

class EngineFaultTest : public testing::TestWithParam<const char*> {
  protected:
    static void SetUpTestSuite() { PluginRegistry::instance().add_folder(test::kFaultPlugin); }
    void SetUp() override {
        PluginRegistry::instance().set_log([this](krait_log_level level, const std::string& message) {
            if (level == KRAIT_LOG_ERROR) complaints_ += message + "\n";
        });
    }
    void TearDown() override {
        PluginRegistry::instance().set_log({});
        EXPECT_EQ(complaints_, "") << "handles leaked";
    }
    static Result<std::shared_ptr<const Model>> load(const std::string& device) {
        return Model::load("tests/golden/mamba.gguf", {.device = device});
    }
    static std::vector<int32_t> tokens(size_t n, uint32_t seed) {
        std::mt19937 random(seed);
        std::vector<int32_t> tokens(n);
        for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 101);
        return tokens;
    }
    static EngineOptions options() {
        return {.max_sequences = 3, .max_batch_tokens = 24, .prefixes = {.max_snapshots = 2, .max_host_bytes = 1 << 20}};
    }

    struct Outcome {
        std::vector<std::vector<int32_t>> tokens;  // by request
        size_t n_error = 0;
        ErrorCode code = ErrorCode::internal;
    };
    // Prompts that are cut and share prefixes, forks, snapshots that are evicted and come back.
    static Outcome use(Engine& engine) {
        const auto shared = tokens(30, 1);
        Outcome outcome;
        std::vector<Request> requests;
        for (uint32_t i = 0; i < 5; ++i) {
            std::vector<int32_t> prompt = shared;
            const auto more = tokens(4 + 9 * i, i + 2);
            prompt.insert(prompt.end(), more.begin(), more.end());
            auto request = engine.submit(
                {.tokens = prompt, .sampler = {.temperature = 0}, .max_tokens = 6, .n = i == 1 ? 2 : 1, .message_ends = {30}});
            EXPECT_TRUE(request) << request.error().message;
            if (request) requests.push_back(std::move(*request));
        }
        for (Request& request : requests) {
            bool has_failed = false;
            auto& its = outcome.tokens.emplace_back();
            while (const auto event = request.next()) {
                if (event->kind == Event::Kind::token && event->choice == 0) its.push_back(event->token);
                if (event->kind != Event::Kind::finished) continue;
                EXPECT_TRUE(event->finish == Finish::length || event->finish == Finish::error);
                has_failed = has_failed || event->finish == Finish::error;
            }
            if (!has_failed) continue;
            its.clear();
            ++outcome.n_error;
            const auto error = request.stats().error;
            EXPECT_TRUE(error);
            if (error) outcome.code = error->code;
        }
        const EngineStats stats = engine.stats();
        EXPECT_EQ(stats.queue.requests, 0);
        EXPECT_EQ(stats.queue.tokens, 0);
        return outcome;
    }

    std::string complaints_;
};

TEST_P(EngineFaultTest, RequestsEndAndTheEngineGoesOn) {
    const std::string what = GetParam();
    auto sound = Engine::create(*load("fault0"), options());
    ASSERT_TRUE(sound) << sound.error().message;
    const Outcome expected = use(*sound);
    ASSERT_EQ(expected.n_error, 0u);
    const auto expect_tokens = [&](const Outcome& outcome) {
        ASSERT_EQ(outcome.tokens.size(), expected.tokens.size());
        for (size_t i = 0; i < expected.tokens.size(); ++i)
            EXPECT_TRUE(outcome.tokens[i].empty() || outcome.tokens[i] == expected.tokens[i]) << "request " << i;
    };
    int n_failed = 0, n_passed = 0;
    for (int n = 1; n <= kFaults && n_passed < 3; ++n) {
        SCOPED_TRACE(fmt::format("{}={}", what, n));
        const auto model = load(fmt::format("fault0:{}={}", what, n));
        if (!model) continue;  // an allocation of a weight
        auto engine = Engine::create(*model, options());
        if (!engine) continue;
        const Outcome outcome = use(*engine);
        expect_tokens(outcome);
        if (outcome.n_error == 0) {
            ++n_passed;
            continue;
        }
        n_passed = 0;
        ++n_failed;
        const Outcome after = use(*engine);
        if (what == "lose") {
            EXPECT_EQ(outcome.code, ErrorCode::device_lost);
            EXPECT_EQ(after.n_error, 5u) << "it stays lost, and every request says so";
            continue;
        }
        EXPECT_EQ(after.n_error, 0u) << "the fault comes once";
        expect_tokens(after);
    }
    EXPECT_GE(n_failed, 1);
}

INSTANTIATE_TEST_SUITE_P(Faults, EngineFaultTest, testing::Values("fail_alloc", "fail_run", "lose"),
                         [](const testing::TestParamInfo<const char*>& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace krait::engine
