// SPDX-License-Identifier: Apache-2.0
#include "bench/serving.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "bench/engine_load.hpp"
#include "bench/random_lengths.hpp"

namespace krait::bench {
namespace {

using Clock = std::chrono::steady_clock;

// One pass through a trace, on a session of its own.
class Server {
  public:
    Server(api::Session session, const ServingPlan& plan, std::vector<ServedRequest> trace, int64_t n_token)
        : session_(std::move(session)), plan_(plan), trace_(std::move(trace)), n_token_(n_token), random_(plan.seed + 1) {
        for (int32_t sequence = plan.max_sequences; sequence > 0; --sequence) free_.push_back(sequence - 1);
    }

    Result<void> serve(ServedShapes& run, const std::function<void(int64_t tokens)>& advance) {
        for (int64_t step = 0; next_ < trace_.size() || !active_.empty(); ++step) {
            admit(step);
            if (active_.empty()) {  // nobody has come yet
                step = std::max(step, trace_[next_].step - 1);
                continue;
            }
            KRAIT_TRY(const int64_t tokens, take_step(run));
            run.tokens += tokens;
            advance(tokens);
        }
        KRAIT_TRY(run.figures, from_api(session_.measure()));
        return {};
    }

  private:
    struct Active {
        int32_t sequence = 0;
        int64_t prompt_left = 0, answer_left = 0;
        int64_t n_now = 0;  // tokens of this step
    };

    void admit(int64_t step) {
        while (next_ < trace_.size() && trace_[next_].step <= step && !free_.empty()) {
            active_.push_back({free_.back(), trace_[next_].prompt, trace_[next_].answer, 0});
            free_.pop_back();
            ++next_;
        }
    }

    // Decoding first, then prompts, as many rows as are left.
    Result<int64_t> take_step(ServedShapes& run) {
        int64_t rows = plan_.chunk;
        for (Active& request : active_) rows -= request.n_now = request.prompt_left == 0;
        for (Active& request : active_) {
            if (request.prompt_left == 0) continue;
            request.n_now = std::clamp<int64_t>(request.prompt_left, 0, std::max<int64_t>(rows, 0));
            rows -= request.n_now;
        }
        tokens_.clear();
        for (const Active& request : active_)
            for (int64_t i = 0; i < request.n_now; ++i)
                tokens_.push_back(static_cast<int32_t>(random_.next() % static_cast<uint64_t>(n_token_)));
        batch_.clear();
        size_t first = 0;
        for (const Active& request : active_) {
            const auto count = static_cast<size_t>(request.n_now);
            if (count == 0) continue;
            const bool wants = request.n_now >= request.prompt_left;
            batch_.push_back(api::Session::item_of(std::span(tokens_).subspan(first, count), request.sequence,
                                                   wants ? KRAIT_WANT_LAST : KRAIT_WANT_NONE));
            first += count;
        }
        const auto is_cancelled = [&] { return plan_.cancel && *plan_.cancel; };
        if (is_cancelled()) return fail(ErrorCode::cancelled, "cancelled");
        const auto start = Clock::now();
        KRAIT_CHECK(from_api(session_.decode(batch_, [&](uint64_t, uint64_t) { return !is_cancelled(); })));
        run.step_seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
        for (Active& request : active_) {
            if (request.prompt_left == 0) --request.answer_left;
            else request.prompt_left -= request.n_now;
        }
        const auto has_ended = [&](const Active& request) { return request.prompt_left == 0 && request.answer_left <= 0; };
        for (const Active& request : active_) {
            if (!has_ended(request)) continue;
            KRAIT_CHECK(from_api(session_.reset(request.sequence)));
            free_.push_back(request.sequence);
        }
        std::erase_if(active_, has_ended);
        return static_cast<int64_t>(tokens_.size());
    }

    api::Session session_;
    const ServingPlan& plan_;
    std::vector<ServedRequest> trace_;
    int64_t n_token_;
    Random random_;
    size_t next_ = 0;  // of trace_
    std::vector<int32_t> free_;
    std::vector<Active> active_;
    std::vector<int32_t> tokens_;
    std::vector<krait_batch_item> batch_;
};

// The steps of a trace by sessions, in few shapes and in exact ones.
Result<void> compare_shapes(ServingResult& result, const ServingPlan& plan) {
    result.runs = {ServedShapes{.exact = false}, ServedShapes{.exact = true}};
    const std::vector<ServedRequest> trace = trace_of(plan);
    int64_t total = 0, done = 0;
    for (const ServedRequest& request : trace) total += request.prompt + request.answer;
    total *= 2 * plan.repetitions;

    const auto serve = [&](const std::vector<ServedRequest>& requests, ServedShapes& run, const auto& advance) -> Result<void> {
        krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
        options.max_sequences = plan.max_sequences;
        options.max_batch_tokens = plan.chunk;
        options.exact_shapes = run.exact ? 1 : 0;
        KRAIT_TRY(api::Session session, from_api(api::Session::create(result.model, options)));
        Server server(std::move(session), plan, requests, result.model.n_token());
        Result<void> served = server.serve(run, advance);
        if (!served && served.error().code == ErrorCode::cancelled)
            served.error().message = fmt::format("cancelled after {} of {} tokens", done, total);
        return served;
    };
    // The warm-up is not measured: it reads the weights from their file for the first time.
    ServedShapes warm_up;
    KRAIT_CHECK(serve({{.step = 0, .prompt = std::min<int64_t>(plan.longest_prompt, plan.chunk), .answer = 1}}, warm_up,
                      [](int64_t) {}));
    for (int repetition = 0; repetition < plan.repetitions; ++repetition) {
        const bool exact_is_first = repetition % 2 == 1;
        for (const bool exact : {exact_is_first, !exact_is_first}) {
            ServedShapes& run = result.runs[exact ? 1 : 0];
            run.tokens = 0;
            KRAIT_CHECK(serve(trace, run, [&](int64_t tokens) {
                done += tokens;
                if (plan.progress) plan.progress("serving", static_cast<uint64_t>(done), static_cast<uint64_t>(total));
            }));
            ++run.repetitions;
        }
    }
    return {};
}

}  // namespace

std::vector<ServedRequest> trace_of(const ServingPlan& plan) {
    Random random(plan.seed);
    std::vector<ServedRequest> trace;
    double step = 0;
    for (int64_t i = 0; i < plan.requests; ++i) {
        trace.push_back(
            {static_cast<int64_t>(step), log_uniform(plan.longest_prompt, random), log_uniform(plan.longest_answer, random)});
        step -= std::log(uniform(random)) / static_cast<double>(plan.arrivals);
    }
    return trace;
}

double ServedShapes::seconds() const {
    return std::accumulate(step_seconds.begin(), step_seconds.end(), 0.0) / std::max(repetitions, 1);
}

std::vector<double> ServedShapes::median_steps() const {
    const auto n_repetition = static_cast<size_t>(std::max(repetitions, 1));
    const size_t n_step = step_seconds.size() / n_repetition;
    std::vector<double> medians, one(n_repetition);
    for (size_t step = 0; step < n_step; ++step) {
        for (size_t i = 0; i < n_repetition; ++i) one[i] = step_seconds[i * n_step + step];
        const auto middle = one.begin() + static_cast<ptrdiff_t>((n_repetition - 1) / 2);
        std::nth_element(one.begin(), middle, one.end());
        medians.push_back(*middle);
    }
    return medians;
}

double ServedShapes::percentile(double share) const { return percentile_of(median_steps(), share); }

Result<ServingResult> run_serving(api::Model model, const ServingPlan& plan) {
    ServingResult result{std::move(model), {}, {}};
    if (plan.compares_shapes) KRAIT_CHECK(compare_shapes(result, plan));
    LoadPlan load = plan.load;
    load.cancel = plan.cancel;
    if (plan.progress) load.progress = [&](uint64_t done, uint64_t total) { plan.progress("engine", done, total); };
    KRAIT_TRY(result.load, run_load(result.model, load));
    return result;
}

}  // namespace krait::bench
