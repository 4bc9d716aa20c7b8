// SPDX-License-Identifier: Apache-2.0
//
// Requests that share an engine give the tokens that each gives alone and cold; they end as they were asked to.
#include "tests/engine/engine_fixture.hpp"

#include <thread>

namespace krait::engine {
namespace {

class EngineTest : public testing::Test {
  protected:
    Engine engine(const EngineOptions& options = {}) {
        auto created = Engine::create(model_, options);
        EXPECT_TRUE(created) << created.error().message;
        return std::move(*created);
    }
    std::vector<int32_t> prompt(size_t n, uint32_t seed) const { return random_tokens(*model_, n, seed); }
    static Request submit(Engine& engine, RequestOptions options) {
        auto request = engine.submit(std::move(options));
        EXPECT_TRUE(request) << request.error().message;
        return request ? std::move(*request) : Request();
    }

    std::shared_ptr<const Model> model_ = golden_model();
};

TEST_F(EngineTest, RequestsGiveTheTokensThatTheyGiveAlone) {
    Engine engine = this->engine({.max_sequences = 5, .max_batch_tokens = 40});
    std::vector<RequestOptions> options;
    for (uint32_t i = 0; i < 14; ++i) {
        RequestOptions its{.tokens = prompt(1 + i * 17 % 90, i), .max_tokens = 1 + i * 5 % 23};
        its.sampler = {.temperature = i % 3 == 0 ? 0.0f : 1.2f, .top_k = i % 4 == 1 ? 0 : 20, .seed = i};
        if (i % 5 == 2) its.sampler.repetition_penalty = 1.3f;
        options.push_back(its);
    }
    std::vector<Request> requests;
    for (const RequestOptions& its : options) requests.push_back(submit(engine, its));
    for (size_t i = 0; i < requests.size(); ++i) {
        const Answer answer = take_all(requests[i]);
        EXPECT_EQ(answer.tokens[0], alone(model_, options[i])) << "request " << i;
        EXPECT_EQ(answer.finishes[0], Finish::length);
        EXPECT_EQ(answer.stats.generated_tokens, answer.tokens[0].size());
        EXPECT_EQ(answer.stats.prompt_tokens, options[i].tokens.size());
    }
    const EngineStats stats = engine.stats();
    EXPECT_EQ(stats.queue.requests, 0);
    EXPECT_EQ(stats.queue.tokens, 0);
}

TEST_F(EngineTest, ChoicesAreForksWithSeedsOfTheirOwn) {
    Engine engine = this->engine({.max_sequences = 4});
    RequestOptions options{.tokens = prompt(30, 1), .sampler = {.temperature = 1.5f, .seed = 9}, .max_tokens = 12, .n = 4};
    Request request = submit(engine, options);
    const Answer answer = take_all(request, 4);
    for (int32_t i = 0; i < 4; ++i) EXPECT_EQ(answer.tokens[static_cast<size_t>(i)], alone(model_, options, i));
    EXPECT_NE(answer.tokens[0], answer.tokens[1]);
    EXPECT_EQ(engine.stats().prompt_tokens, 30) << "the prompt is read once";
}

TEST_F(EngineTest, AChoiceEndsBeforeAStopToken) {
    Engine engine = this->engine();
    RequestOptions options{.tokens = prompt(20, 3), .sampler = {.temperature = 1.0f}, .max_tokens = 30};
    const std::vector<int32_t> whole = alone(model_, options);
    options.stops = {whole[7]};
    const auto first = std::find(whole.begin(), whole.end(), whole[7]);
    Request request = submit(engine, options);
    const Answer answer = take_all(request);
    EXPECT_EQ(answer.tokens[0], std::vector<int32_t>(whole.begin(), first));
    EXPECT_EQ(answer.finishes[0], Finish::stop);
    EXPECT_EQ(answer.ends[0], whole[7]);
}

TEST_F(EngineTest, APromptMayBeReadForNothing) {
    Engine engine = this->engine();
    Request request = submit(engine, {.tokens = prompt(20, 3), .max_tokens = 0});
    const Answer answer = take_all(request);
    EXPECT_TRUE(answer.tokens[0].empty());
    EXPECT_EQ(answer.finishes[0], Finish::length);
}

TEST_F(EngineTest, WhatCouldNeverRunIsRefused) {
    Engine engine = this->engine({.max_sequences = 2});
    const auto expect_refused = [&](const RequestOptions& options, const std::string& words) {
        const auto request = engine.submit(options);
        ASSERT_FALSE(request) << words;
        EXPECT_EQ(request.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(request.error().message.find(words), std::string::npos) << request.error().message;
    };
    expect_refused({}, "a prompt without tokens");
    expect_refused({.tokens = {1, -1}}, "token -1 at position 1 is out of range");
    expect_refused({.tokens = {1, 100000}}, "token 100000 at position 1 is out of range");
    expect_refused({.tokens = {1}, .n = 3}, "3 choices: 1 to 2");
    expect_refused({.tokens = {1}, .n = 0}, "0 choices");
    expect_refused({.tokens = {1}, .max_tokens = -2}, "max_tokens is -2");
    expect_refused({.tokens = {1}, .weight = 0}, "weight is 0");
    expect_refused({.tokens = {1}, .n = 2, .max_events = 3}, "max_events is 3");
    expect_refused({.tokens = {1, 2}, .message_ends = {2, 2}}, "message 1 ends after 2 of 2 tokens");
    expect_refused({.tokens = {1, 2}, .message_ends = {3}}, "message 0 ends after 3 of 2 tokens");
    expect_refused({.tokens = {1}, .sampler = {.temperature = -1}}, "temperature");
    for (const EngineOptions& options :
         {EngineOptions{.max_sequences = 0}, EngineOptions{.max_sequences = 8, .max_batch_tokens = 7},
          EngineOptions{.step_seconds = 0}, EngineOptions{.queue = {.max_requests = -1}}}) {
        const auto created = Engine::create(model_, options);
        ASSERT_FALSE(created);
        EXPECT_EQ(created.error().code, ErrorCode::invalid_argument);
    }
}

// The engine does not run while the callback of its thread waits: what is submitted then stays in the queue.
TEST_F(EngineTest, AFullQueueSaysSo) {
    Engine engine = this->engine({.max_sequences = 1, .queue = {.max_requests = 2, .max_tokens = 100}});
    std::mutex gate;
    gate.lock();
    Request running =
        submit(engine, {.tokens = prompt(5, 1), .max_tokens = 2, .wake = [&] { const std::lock_guard pass(gate); }});
    while (engine.stats().queue.requests > 0) std::this_thread::yield();
    Request first = submit(engine, {.tokens = prompt(60, 2), .max_tokens = 1});
    const auto too_long = engine.submit({.tokens = prompt(50, 3)});
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code, ErrorCode::unavailable);
    EXPECT_NE(too_long.error().message.find("(max_waiting_tokens)"), std::string::npos) << too_long.error().message;
    Request second = submit(engine, {.tokens = prompt(5, 4), .max_tokens = 1});
    const auto too_many = engine.submit({.tokens = prompt(1, 3)});
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().code, ErrorCode::unavailable);
    EXPECT_NE(too_many.error().message.find("2 requests wait, at most 2 may"), std::string::npos) << too_many.error().message;
    EXPECT_EQ(engine.stats().queue.refused, 2);
    gate.unlock();
    take_all(running);
    EXPECT_EQ(take_all(first).finishes[0], Finish::length);
    EXPECT_EQ(take_all(second).finishes[0], Finish::length);
    Request later = submit(engine, {.tokens = prompt(60, 2), .max_tokens = 1});
    take_all(later);
}

// Where tokens take pages, as many are promised as the choices of a request may need in the end, and never more than there are.
TEST_F(EngineTest, AnswersEndWithTheirContext) {
    const auto model = golden_model("hybrids/granite_moe_nope");
    auto engine = Engine::create(
        model, {.max_sequences = 4, .max_batch_tokens = 64, .max_cached_tokens = 256, .max_sequence_tokens = 128});
    ASSERT_TRUE(engine) << engine.error().message;
    for (const int32_t n : {1, 2, 4}) {
        const size_t room = n == 4 ? 64 : 128;
        const RequestOptions options{.tokens = random_tokens(*model, 40, 1), .n = n};
        Request request = submit(*engine, options), second = submit(*engine, options);
        for (Request* its : {&request, &second}) {
            const Answer answer = take_all(*its, static_cast<size_t>(n));
            for (const auto& tokens : answer.tokens) EXPECT_EQ(tokens.size(), room - 40 + 1) << "the last one is not read";
            EXPECT_EQ(answer.finishes[0], Finish::length);
        }
        const auto too_long = engine->submit({.tokens = random_tokens(*model, room + 1, 1), .n = n});
        ASSERT_FALSE(too_long);
        EXPECT_NE(too_long.error().message.find(fmt::format("the prompt has {} tokens", room + 1)), std::string::npos)
            << too_long.error().message;
    }
}

TEST_F(EngineTest, CancelledAndLateRequestsEnd) {
    Engine engine = this->engine({.max_sequences = 1});
    Request running = submit(engine, {.tokens = prompt(5, 1)});  // without end
    ASSERT_TRUE(running.next());
    Request waiting = submit(engine, {.tokens = prompt(5, 2), .max_tokens = 3});
    Request late = submit(engine, {.tokens = prompt(5, 2), .deadline = Clock::now() + std::chrono::milliseconds(30)});
    waiting.cancel();
    EXPECT_EQ(take_all(waiting).finishes[0], Finish::cancelled);
    EXPECT_EQ(take_all(late).finishes[0], Finish::deadline) << "while it waits, too";
    running.cancel();
    const Answer answer = take_all(running);
    EXPECT_EQ(answer.finishes[0], Finish::cancelled);
    Request after = submit(engine, {.tokens = prompt(5, 2), .max_tokens = 3, .deadline = Clock::now() + std::chrono::hours(1)});
    EXPECT_EQ(take_all(after).finishes[0], Finish::length);
    // The handle's end is the request's.
    { Request dropped = submit(engine, {.tokens = prompt(5, 1)}); }
    Request last = submit(engine, {.tokens = prompt(6, 2), .max_tokens = 3});
    EXPECT_EQ(take_all(last).finishes[0], Finish::length);
}

TEST_F(EngineTest, TheEndOfTheEngineIsThatOfItsRequests) {
    auto engine = std::make_unique<Engine>(this->engine({.max_sequences = 1}));
    Request running = submit(*engine, {.tokens = prompt(5, 1)});
    Request waiting = submit(*engine, {.tokens = prompt(5, 1)});
    ASSERT_TRUE(running.next());
    engine.reset();
    EXPECT_EQ(take_all(running).finishes[0], Finish::cancelled);
    EXPECT_EQ(take_all(waiting).finishes[0], Finish::cancelled);
}

// Nobody takes the events of one: it stops where it has no room, the other one goes on, and nothing is lost.
TEST_F(EngineTest, ARequestWithoutRoomForEventsPauses) {
    Engine engine = this->engine({.max_sequences = 2});
    const RequestOptions options{.tokens = prompt(9, 1), .max_tokens = 40, .max_events = 4};
    Request slow = submit(engine, options);
    Request fast = submit(engine, {.tokens = prompt(9, 2), .max_tokens = 50});
    EXPECT_EQ(take_all(fast).tokens[0].size(), 50u);
    EXPECT_EQ(take_all(slow).tokens[0], alone(model_, options));
}

TEST_F(EngineTest, PausedRequestsKeepTheirStateOrGiveWay) {
    for (const bool spill : {false, true}) {
        Engine engine = this->engine({.max_sequences = 2});
        const RequestOptions options{
            .tokens = prompt(9, 1), .sampler = {.temperature = 1.3f, .seed = 4}, .max_tokens = 30, .n = 2, .max_events = 8};
        Request request = submit(engine, options);
        std::vector<std::vector<int32_t>> got(2);
        for (int i = 0; i < 6; ++i) {
            const auto event = request.next();
            ASSERT_TRUE(event);
            got[static_cast<size_t>(event->choice)].push_back(event->token);
        }
        request.pause(spill);
        Request other = submit(engine, {.tokens = prompt(5, 2), .max_tokens = 3});
        if (spill) {  // both of its sequences are free
            EXPECT_EQ(take_all(other).finishes[0], Finish::length);
        } else {
            EXPECT_FALSE(other.next(std::chrono::milliseconds(50)));
        }
        request.go_on();
        Answer rest = take_all(request, 2);
        for (size_t i = 0; i < 2; ++i) {
            got[i].insert(got[i].end(), rest.tokens[i].begin(), rest.tokens[i].end());
            EXPECT_EQ(got[i], alone(model_, options, static_cast<int32_t>(i)));
        }
        if (!spill) {
            EXPECT_EQ(take_all(other).finishes[0], Finish::length);
        }
    }
}

// A prompt of many steps does not keep others waiting for longer than their share of steps.
TEST_F(EngineTest, ALongPromptStallsNobody) {
    Engine engine = this->engine({.max_sequences = 3, .max_batch_tokens = 64, .step_seconds = 1e-6});
    Request answering = submit(engine, {.tokens = prompt(4, 1)});
    ASSERT_TRUE(answering.next());
    Request reading = submit(engine, {.tokens = prompt(4000, 2), .max_tokens = 1});
    Request little = submit(engine, {.tokens = prompt(10, 3), .max_tokens = 1});
    EXPECT_EQ(take_all(little).finishes[0], Finish::length);
    EXPECT_FALSE(reading.try_next()) << "the long prompt is still being read";
    EXPECT_EQ(take_all(reading).finishes[0], Finish::length);
}

TEST_F(EngineTest, ThreadsMaySubmitAndCancelAtOnce) {
    Engine engine = this->engine({.max_sequences = 4});
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (uint32_t i = 0; i < 12; ++i) {
                const RequestOptions options{.tokens = prompt(3 + i, t), .max_tokens = 4, .key = std::to_string(t)};
                auto request = engine.submit(options);
                ASSERT_TRUE(request);
                if (i % 3 == 1) request->cancel();
                const Answer answer = take_all(*request);
                if (answer.finishes[0] == Finish::length) {
                    EXPECT_EQ(answer.tokens[0], alone(model_, options));
                } else {
                    EXPECT_EQ(answer.finishes[0], Finish::cancelled);
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(engine.stats().queue.tokens, 0);
}

}  // namespace
}  // namespace krait::engine
