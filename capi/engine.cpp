// SPDX-License-Identifier: Apache-2.0
//
// include/krait/engine.h.
#include "engine/engine.hpp"

#include <krait/engine.h>

#include <cmath>

#include "capi/api.hpp"
#include "capi/sampler.hpp"

using namespace krait;
using namespace krait::capi;

struct krait_engine {
    engine::Engine engine;
};
struct krait_request {
    engine::Request request;
};

namespace {

static_assert(static_cast<int>(engine::Finish::error) == KRAIT_FINISH_ERROR &&
                  static_cast<int>(engine::Reuse::Reason::off) == KRAIT_REUSE_OFF,
              "the enums of engine.h number the same things");

// Longer times are "as long as it takes"; as a number of nanoseconds they would overflow.
constexpr double kLongest = 1e9;

engine::Clock::duration duration_of(double seconds) {
    return std::chrono::duration_cast<engine::Clock::duration>(std::chrono::duration<double>(seconds));
}

Result<SamplerOptions> sampler_of(const krait_sampler_options* options) {
    KRAIT_TRY(const krait_sampler_options given, complete(options, krait_sampler_options KRAIT_SAMPLER_OPTIONS_INIT));
    if (given.constraint) return fail(ErrorCode::unsupported, "a sampler of an engine's request has no constraint");
    return options_of(given);
}

Result<engine::RequestOptions> options_of(const krait_request_options* options) {
    KRAIT_CHECK(expect_given(options, "options"));
    KRAIT_TRY(const krait_request_options given, complete(options, krait_request_options KRAIT_REQUEST_OPTIONS_INIT));
    if (given.n_tok > 0) KRAIT_CHECK(expect_given(given.tokens, "tokens"));
    if (given.n_stop > 0) KRAIT_CHECK(expect_given(given.stops, "stops"));
    if (given.n_message_end > 0) KRAIT_CHECK(expect_given(given.message_ends, "message_ends"));
    if (!(given.timeout_seconds >= 0))
        return fail(ErrorCode::invalid_argument, "timeout_seconds is {}: 0 (never) or more is possible", given.timeout_seconds);
    engine::RequestOptions request{.tokens = {given.tokens, given.tokens + given.n_tok},
                                   .stops = {given.stops, given.stops + given.n_stop},
                                   .max_tokens = given.max_tokens,
                                   .n = given.n,
                                   .priority = given.priority,
                                   .key = given.key ? given.key : "",
                                   .weight = given.weight,
                                   .message_ends = {given.message_ends, given.message_ends + given.n_message_end},
                                   .reuse = given.reuse != 0,
                                   .keep = given.keep != 0,
                                   .max_events = given.max_events};
    KRAIT_TRY(request.sampler, sampler_of(given.sampler));
    if (given.timeout_seconds > 0 && given.timeout_seconds < kLongest)
        request.deadline = engine::Clock::now() + duration_of(given.timeout_seconds);
    if (given.wake) request.wake = [wake = given.wake, user = given.user] { wake(user); };
    return request;
}

}  // namespace

krait_code krait_engine_create(const krait_model* model, const krait_engine_options* options, krait_engine** out,
                               krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_loaded(model));
        KRAIT_TRY(const krait_engine_options given, complete(options, krait_engine_options KRAIT_ENGINE_OPTIONS_INIT));
        KRAIT_TRY(engine::Engine engine,
                  engine::Engine::create(model->loaded, {.max_sequences = given.max_sequences,
                                                         .max_batch_tokens = given.max_batch_tokens,
                                                         .max_cached_tokens = given.max_cached_tokens,
                                                         .max_sequence_tokens = given.max_sequence_tokens,
                                                         .step_seconds = given.step_seconds,
                                                         .queue = {.max_requests = given.max_waiting_requests,
                                                                   .max_tokens = given.max_waiting_tokens},
                                                         .prefixes = {.max_snapshots = given.max_snapshots,
                                                                      .max_host_bytes = given.max_host_bytes,
                                                                      .folder = given.folder ? given.folder : "",
                                                                      .max_folder_bytes = given.max_folder_bytes}}));
        *out = new krait_engine{std::move(engine)};
        return {};
    });
}

void krait_engine_free(krait_engine* engine) { delete engine; }

krait_code krait_engine_submit(krait_engine* engine, const krait_request_options* options, krait_request** out,
                               krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_given(engine, "engine"));
        KRAIT_TRY(engine::RequestOptions given, options_of(options));
        auto request = std::make_unique<krait_request>();
        KRAIT_TRY(request->request, engine->engine.submit(std::move(given)));
        *out = request.release();
        return {};
    });
}

void krait_request_free(krait_request* request) { delete request; }

krait_code krait_request_next(krait_request* request, double timeout_seconds, krait_event* event, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        if (std::isnan(timeout_seconds)) return fail(ErrorCode::invalid_argument, "timeout_seconds is {}", timeout_seconds);
        std::optional<engine::Clock::duration> timeout;
        if (timeout_seconds >= 0 && timeout_seconds < kLongest) timeout = duration_of(timeout_seconds);
        KRAIT_CHECK(expect_given(event, "out"));
        KRAIT_CHECK(check_size<krait_event>(event->struct_size, "event."));  // before an event is taken
        krait_event result KRAIT_EVENT_INIT;
        if (const auto taken = request->request.next(timeout)) {
            const bool is_token = taken->kind == engine::Event::Kind::token;
            result.kind = is_token ? KRAIT_EVENT_TOKEN : KRAIT_EVENT_FINISHED;
            result.choice = taken->choice;
            result.token = taken->token;
            result.finish = static_cast<krait_finish>(taken->finish);
        } else if (request->request.is_finished()) {
            result.kind = KRAIT_EVENT_END;
        }
        return fill(event, result);
    });
}

krait_code krait_request_cancel(krait_request* request, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        request->request.cancel();
        return {};
    });
}

krait_code krait_request_pause(krait_request* request, int32_t spill, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        request->request.pause(spill != 0);
        return {};
    });
}

krait_code krait_request_continue(krait_request* request, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        request->request.go_on();
        return {};
    });
}

krait_code krait_request_measure(const krait_request* request, krait_request_figures* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        const engine::RequestStats stats = request->request.stats();
        krait_request_figures figures KRAIT_REQUEST_FIGURES_INIT;
        figures.prompt_tokens = stats.prompt_tokens;
        figures.generated_tokens = stats.generated_tokens;
        figures.cached_tokens = stats.reuse.cached_tokens;
        figures.common_tokens = stats.reuse.common_tokens;
        figures.reuse = static_cast<krait_reuse>(stats.reuse.reason);
        figures.queue_seconds = stats.queue_seconds;
        figures.prompt_seconds = stats.prompt_seconds;
        figures.generation_seconds = stats.generation_seconds;
        return fill(out, figures);
    });
}

krait_code krait_request_reuse_text(const krait_request* request, char* text, size_t capacity, size_t* size,
                                    krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        KRAIT_CHECK(expect_given(size, "size"));
        return give(std::span<const char>(request->request.stats().reuse.text()), text, capacity, size);
    });
}

krait_code krait_request_error(const krait_request* request, krait_failure* error, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(request, "request"));
        KRAIT_CHECK(expect_given(error, "error"));
        const engine::RequestStats stats = request->request.stats();
        error->code = KRAIT_OK;
        error->message[0] = '\0';
        if (stats.error) refuse(error, *stats.error);
        return {};
    });
}

krait_code krait_engine_measure(const krait_engine* engine, krait_engine_figures* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(engine, "engine"));
        const engine::EngineStats stats = engine->engine.stats();
        const auto number = [](int64_t value) { return static_cast<uint64_t>(value); };
        krait_engine_figures figures KRAIT_ENGINE_FIGURES_INIT;
        figures.waiting_requests = number(stats.queue.requests);
        figures.waiting_tokens = number(stats.queue.tokens);
        figures.running_requests = number(stats.running_requests);
        figures.refused_requests = number(stats.queue.refused);
        figures.n_step = number(stats.n_step);
        figures.prompt_tokens = number(stats.prompt_tokens);
        figures.decoded_tokens = number(stats.decoded_tokens);
        figures.step_seconds = stats.step_seconds;
        figures.run_seconds = stats.run_seconds;
        figures.lookups = number(stats.lookups);
        figures.hits = number(stats.hits);
        figures.cached_tokens = number(stats.cached_tokens);
        figures.snapshots = number(stats.snapshots);
        figures.evictions = number(stats.evictions);
        figures.host_bytes = stats.host_bytes;
        figures.folder_bytes = stats.folder_bytes;
        figures.since_step = stats.since_step;
        figures.is_idle = stats.is_idle ? 1 : 0;
        return fill(out, figures);
    });
}
