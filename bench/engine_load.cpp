// SPDX-License-Identifier: Apache-2.0
#include "bench/engine_load.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "bench/random_lengths.hpp"

namespace krait::bench {
namespace {

using Clock = std::chrono::steady_clock;

// By krait_reuse.
constexpr const char* kReasons[] = {"whole prompt", "end of the common prefix", "nearest snapshot",
                                    "evicted",      "no common prefix",         "off"};

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What the engine's thread rings, and the client's waits for.
class Bell {
  public:
    static void ring(void* user) {
        auto* bell = static_cast<Bell*>(user);
        const std::lock_guard lock(bell->mutex_);
        bell->has_rung_ = true;
        bell->rung_.notify_one();
    }
    void wait(double seconds) {
        std::unique_lock lock(mutex_);
        rung_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return has_rung_; });
        has_rung_ = false;
    }

  private:
    std::mutex mutex_;
    std::condition_variable rung_;
    bool has_rung_ = false;
};

struct Conversation {
    double begins = 0;  // seconds
    Random random{0};   // of its own, so that tokens do not depend on the order of events
    std::vector<int32_t> tokens;
    int64_t turn = 0;
    bool is_extra = false;  // the long prompt: it is in no figure
    std::optional<api::Request> request = std::nullopt;
    Clock::time_point submitted, latest;
    int64_t n_token = 0;
    double first_seconds = 0;
};

class Client {
  public:
    Client(api::Engine engine, const LoadPlan& plan, int64_t n_vocab)
        : engine_(std::move(engine)), plan_(plan), n_vocab_(static_cast<uint64_t>(n_vocab)) {
        Random random(plan.seed);
        std::vector<int32_t> shared;
        add_tokens(shared, plan.shared, random);
        double begins = 0;
        for (int64_t i = 0; i < plan.conversations; ++i) {
            conversations_.push_back({.begins = begins, .random = Random(random.next()), .tokens = shared});
            if (plan.rate > 0) begins -= std::log(uniform(random)) / static_cast<double>(plan.rate);
        }
    }

    Result<LoadResult> run() {
        KRAIT_CHECK(warm_up());
        KRAIT_TRY(const krait_engine_figures before, from_api(engine_.measure()));
        start_ = Clock::now();
        const int64_t total = plan_.conversations * plan_.turns;
        while (result_.requests < total || is_extra_open_) {
            if (plan_.cancel && *plan_.cancel)
                return fail(ErrorCode::cancelled, "cancelled after {} of {} requests", result_.requests, total);
            double next = 0.05;  // to look at `cancel`
            bool has_moved = false;
            for (size_t i = 0; i < conversations_.size(); ++i) {
                Conversation& its = conversations_[i];
                if (its.request) {
                    KRAIT_TRY(const bool moved, take(its));
                    has_moved = has_moved || moved;
                } else if (its.turn < plan_.turns) {
                    const double wait = its.begins - since(start_);
                    if (wait <= 0) KRAIT_CHECK(submit(its));
                    else next = std::min(next, wait);
                }
            }
            if (plan_.long_prompt > 0 && !was_extra_ && 2 * result_.first_seconds.size() >= static_cast<size_t>(total))
                KRAIT_CHECK(submit_extra());
            if (!has_moved) bell_.wait(next);
        }
        result_.seconds = since(start_);
        KRAIT_TRY(result_.figures, from_api(engine_.measure()));
        krait_engine_figures& now = result_.figures;
        now.n_step -= before.n_step;
        now.prompt_tokens -= before.prompt_tokens;
        now.decoded_tokens -= before.decoded_tokens;
        now.step_seconds -= before.step_seconds;
        now.run_seconds -= before.run_seconds;
        return std::move(result_);
    }

  private:
    int64_t length(int64_t longest, Random& random) const {
        return plan_.exact_lengths ? longest : log_uniform(longest, random);
    }
    void add_tokens(std::vector<int32_t>& tokens, int64_t n, Random& random) const {
        for (; n > 0; --n) tokens.push_back(static_cast<int32_t>(random.next() % n_vocab_));
    }

    // Reads the weights from their file for the first time. It is not measured, and leaves no prefix.
    Result<void> warm_up() {
        Random random(plan_.seed + 2);
        std::vector<int32_t> tokens;
        add_tokens(tokens, plan_.prompt, random);
        krait_request_options options = KRAIT_REQUEST_OPTIONS_INIT;
        options.tokens = tokens.data();
        options.n_tok = tokens.size();
        options.max_tokens = 4;
        options.reuse = options.keep = 0;
        KRAIT_TRY(api::Request request, from_api(engine_.submit(options)));
        for (;;) {
            KRAIT_TRY(const krait_event event, from_api(request.next()));
            if (event.kind == KRAIT_EVENT_END) return {};
        }
    }

    Result<void> submit(Conversation& its) {
        add_tokens(its.tokens, length(plan_.prompt, its.random), its.random);
        return submit_as_it_is(its, length(plan_.answer, its.random));
    }
    Result<void> submit_as_it_is(Conversation& its, int64_t n_answer) {
        krait_sampler_options sampler = KRAIT_SAMPLER_OPTIONS_INIT;
        sampler.seed = its.random.next();
        krait_request_options options = KRAIT_REQUEST_OPTIONS_INIT;
        options.tokens = its.tokens.data();
        options.n_tok = its.tokens.size();
        options.sampler = &sampler;
        options.max_tokens = n_answer;
        options.wake = Bell::ring;
        options.user = &bell_;
        its.submitted = Clock::now();
        its.n_token = 0;
        KRAIT_TRY(its.request, from_api(engine_.submit(options)));
        return {};
    }
    Result<void> submit_extra() {
        was_extra_ = is_extra_open_ = true;
        Conversation its{.random = Random(plan_.seed + 1), .turn = plan_.turns, .is_extra = true};
        add_tokens(its.tokens, plan_.long_prompt, its.random);
        conversations_.push_back(std::move(its));
        return submit_as_it_is(conversations_.back(), 1);
    }

    // Events that are there; true: some were.
    Result<bool> take(Conversation& its) {
        for (bool has_moved = false;; has_moved = true) {
            KRAIT_TRY(const krait_event event, from_api(its.request->next(0)));
            if (event.kind == KRAIT_EVENT_NONE) return has_moved;
            if (event.kind == KRAIT_EVENT_END) return finish(its);
            if (event.kind == KRAIT_EVENT_FINISHED && event.finish == KRAIT_FINISH_ERROR)
                return tl::unexpected<Error>(error_of(its.request->error()));
            if (event.kind == KRAIT_EVENT_TOKEN) take_token(its, event.token);
        }
    }
    void take_token(Conversation& its, int32_t token) {
        const auto now = Clock::now();
        const double seconds = std::chrono::duration<double>(now - (its.n_token == 0 ? its.submitted : its.latest)).count();
        if (its.n_token == 0) its.first_seconds = seconds;
        if (!its.is_extra) (its.n_token == 0 ? result_.first_seconds : result_.token_seconds).push_back(seconds);
        its.latest = now;
        ++its.n_token;
        its.tokens.push_back(token);
    }
    Result<bool> finish(Conversation& its) {
        KRAIT_TRY(const krait_request_figures figures, from_api(its.request->measure()));
        its.request.reset();
        if (its.is_extra) return is_extra_open_ = false, true;
        ++its.turn;
        ++result_.requests;
        result_.prompt_tokens += figures.prompt_tokens;
        result_.cached_tokens += figures.cached_tokens;
        result_.generated_tokens += figures.generated_tokens;
        ++result_.reasons[kReasons[figures.reuse]];
        const double a_token = its.n_token > 1 ? figures.generation_seconds / static_cast<double>(its.n_token - 1) : 0;
        result_.good += its.first_seconds <= plan_.max_first_seconds && a_token <= plan_.max_token_seconds;
        if (plan_.progress)
            plan_.progress(static_cast<uint64_t>(result_.requests), static_cast<uint64_t>(plan_.conversations * plan_.turns));
        return true;
    }

    Bell bell_;  // outlives the engine's thread
    api::Engine engine_;
    const LoadPlan& plan_;
    uint64_t n_vocab_;
    std::vector<Conversation> conversations_;
    LoadResult result_;
    Clock::time_point start_;
    bool was_extra_ = false, is_extra_open_ = false;
};

}  // namespace

double percentile_of(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    const auto place = values.begin() + static_cast<ptrdiff_t>(std::clamp<size_t>(rank, 1, values.size()) - 1);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

Result<LoadResult> run_load(const api::Model& model, const LoadPlan& plan) {
    KRAIT_TRY(api::Engine engine, from_api(api::Engine::create(model, plan.engine)));
    Client client(std::move(engine), plan, model.n_token());
    return client.run();
}

}  // namespace krait::bench
