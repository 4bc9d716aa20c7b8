// SPDX-License-Identifier: Apache-2.0
//
// Engines through the C API and its C++ face.
#include <gtest/gtest.h>
#include <atomic>
#include <krait/krait.hpp>

#include "tests/capi/value.hpp"

namespace krait::api {
namespace {

class EngineApi : public testing::Test {
  protected:
    static krait_request_options options_of(const std::vector<int32_t>& tokens, int64_t max_tokens) {
        krait_request_options options = KRAIT_REQUEST_OPTIONS_INIT;
        options.tokens = tokens.data();
        options.n_tok = tokens.size();
        options.max_tokens = max_tokens;
        return options;
    }
    // The tokens of one choice.
    static std::vector<int32_t> take_all(Request& request, krait_finish wanted) {
        std::vector<int32_t> tokens;
        for (;;) {
            const auto event = request.next();
            EXPECT_TRUE(static_cast<bool>(event)) << event.failure().message;
            if (!event || event->kind == KRAIT_EVENT_END) return tokens;
            if (event->kind == KRAIT_EVENT_TOKEN) tokens.push_back(event->token);
            if (event->kind == KRAIT_EVENT_FINISHED) {
                EXPECT_EQ(event->finish, wanted);
            }
        }
    }
    void expect_refused(krait_request_options options, krait_code code, const std::string& words) {
        const auto request = engine_.submit(options);
        ASSERT_FALSE(static_cast<bool>(request)) << words;
        EXPECT_EQ(request.failure().code, code);
        EXPECT_NE(request.failure().message.find(words), std::string::npos) << request.failure().message;
    }

    Model model_ = test::value(Model::load({}, "cpu"));
    Engine engine_ = test::value(Engine::create(model_));
    std::vector<int32_t> prompt_ = std::vector<int32_t>(20, 7);
};

TEST_F(EngineApi, AnswersAreThoseOfASession) {
    krait_sampler_options sampler_options = KRAIT_SAMPLER_OPTIONS_INIT;
    sampler_options.seed = 5;
    auto session = Session::create(model_);
    auto sampler = Sampler::create(sampler_options);
    ASSERT_TRUE(session && sampler);
    std::vector<int32_t> expected, next = prompt_;
    while (expected.size() < 9) {
        ASSERT_TRUE(static_cast<bool>(session->decode(next)));
        expected.push_back(*session->sample(*sampler));
        next = {expected.back()};
    }
    krait_request_options options = options_of(prompt_, 9);
    options.sampler = &sampler_options;
    for (const bool is_cold : {true, false}) {
        auto request = engine_.submit(options);
        ASSERT_TRUE(static_cast<bool>(request)) << request.failure().message;
        EXPECT_EQ(take_all(*request, KRAIT_FINISH_LENGTH), expected);
        const auto figures = request->measure();
        ASSERT_TRUE(static_cast<bool>(figures));
        EXPECT_EQ(figures->prompt_tokens, 20u);
        EXPECT_EQ(figures->generated_tokens, 9u);
        EXPECT_EQ(figures->cached_tokens, is_cold ? 0u : 20u);
        EXPECT_EQ(figures->reuse, is_cold ? KRAIT_REUSE_NO_COMMON_PREFIX : KRAIT_REUSE_WHOLE_PROMPT);
        EXPECT_EQ(*request->reuse_text(), is_cold ? "no common prefix" : "");
        EXPECT_EQ(request->error().code, KRAIT_OK);
    }
    const auto figures = engine_.measure();
    ASSERT_TRUE(static_cast<bool>(figures));
    EXPECT_EQ(figures->lookups, 2u);
    EXPECT_EQ(figures->hits, 1u);
    EXPECT_EQ(figures->cached_tokens, 20u);
    EXPECT_EQ(figures->waiting_requests, 0u);
}

TEST_F(EngineApi, RequestsPauseContinueAndAreCancelled) {
    auto request = engine_.submit(options_of(prompt_, -1));
    ASSERT_TRUE(static_cast<bool>(request));
    ASSERT_EQ(request->next()->kind, KRAIT_EVENT_TOKEN);
    ASSERT_TRUE(static_cast<bool>(request->pause(true)));
    while (request->next(0.2)->kind == KRAIT_EVENT_TOKEN) {
    }
    EXPECT_EQ(request->next(0)->kind, KRAIT_EVENT_NONE);
    ASSERT_TRUE(static_cast<bool>(request->go_on()));
    EXPECT_EQ(request->next()->kind, KRAIT_EVENT_TOKEN);
    ASSERT_TRUE(static_cast<bool>(request->cancel()));
    take_all(*request, KRAIT_FINISH_CANCELLED);
    krait_request_options late = options_of(prompt_, -1);
    late.timeout_seconds = 0.01;
    auto second = engine_.submit(late);
    ASSERT_TRUE(static_cast<bool>(second));
    take_all(*second, KRAIT_FINISH_DEADLINE);
}

TEST_F(EngineApi, WakeIsCalledForEvents) {
    std::atomic<int> n = 0;
    krait_request_options options = options_of(prompt_, 3);
    options.wake = [](void* user) { ++*static_cast<std::atomic<int>*>(user); };
    options.user = &n;
    auto request = engine_.submit(options);
    ASSERT_TRUE(static_cast<bool>(request));
    take_all(*request, KRAIT_FINISH_LENGTH);
    EXPECT_GE(n, 4);
}

TEST_F(EngineApi, RequestsOutliveTheEngine) {
    auto request = engine_.submit(options_of(prompt_, -1));
    ASSERT_TRUE(static_cast<bool>(request));
    { const Engine ends = std::move(engine_); }
    take_all(*request, KRAIT_FINISH_CANCELLED);
    EXPECT_EQ(request->next()->kind, KRAIT_EVENT_END);
}

TEST_F(EngineApi, BadInputIsRefused) {
    expect_refused(KRAIT_REQUEST_OPTIONS_INIT, KRAIT_INVALID_ARGUMENT, "a prompt without tokens");
    krait_request_options options = options_of(prompt_, 3);
    options.timeout_seconds = -1;
    expect_refused(options, KRAIT_INVALID_ARGUMENT, "timeout_seconds is -1");
    options = options_of(prompt_, 3);
    options.tokens = nullptr;
    expect_refused(options, KRAIT_INVALID_ARGUMENT, "tokens is NULL");
    options = options_of(prompt_, 3);
    options.n_stop = 1;
    expect_refused(options, KRAIT_INVALID_ARGUMENT, "stops is NULL");
    options = options_of(prompt_, 3);
    options.n_message_end = 1;
    expect_refused(options, KRAIT_INVALID_ARGUMENT, "message_ends is NULL");
    krait_sampler_options constrained = KRAIT_SAMPLER_OPTIONS_INIT;
    constrained.constraint = [](void*, float*, size_t) { return 0; };
    options = options_of(prompt_, 3);
    options.sampler = &constrained;
    expect_refused(options, KRAIT_UNSUPPORTED, "constraint");
    options = options_of(prompt_, 3);
    options.struct_size = 3;
    expect_refused(options, KRAIT_INVALID_ARGUMENT, "struct_size is 3");
    krait_failure failure{};
    EXPECT_EQ(krait_engine_submit(nullptr, &options, nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    krait_request* none = nullptr;
    EXPECT_EQ(krait_engine_submit(nullptr, &options, &none, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_STREQ(failure.message, "engine is NULL");
    EXPECT_EQ(krait_request_cancel(nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    krait_engine_options of_engine = KRAIT_ENGINE_OPTIONS_INIT;
    of_engine.max_sequences = 0;
    EXPECT_EQ(Engine::create(model_, of_engine).failure().code, KRAIT_INVALID_ARGUMENT);
    of_engine = KRAIT_ENGINE_OPTIONS_INIT;
    of_engine.max_snapshots = 0;
    of_engine.folder = "prefixes";
    EXPECT_EQ(Engine::create(model_, of_engine).failure().code, KRAIT_INVALID_ARGUMENT);
    krait_engine_free(nullptr);
    krait_request_free(nullptr);
}

}  // namespace
}  // namespace krait::api
