// SPDX-License-Identifier: Apache-2.0
#include "server/generation.hpp"

#include <algorithm>

namespace krait::server {

// Events that wait for the loop, at least: some seconds of a fast model.
constexpr size_t kMinEvents = 256;

Generation::Generation(HttpServer& loop, const api::Model& model, Metrics& metrics,
                       std::shared_ptr<GenerationListener> listener)
    : loop_(loop), model_(model), metrics_(metrics), listener_(std::move(listener)) {
    metrics_.active_generations.add(1);
}

Generation::~Generation() {
    request_.reset();  // waits for a wake in progress, which uses the rest
    metrics_.active_generations.add(-1);
}

Result<std::shared_ptr<Generation>> Generation::start(HttpServer& loop, ServedModel& model, Metrics& metrics,
                                                      const GenerationOptions& options,
                                                      std::shared_ptr<GenerationListener> listener) {
    std::shared_ptr<Generation> made(new Generation(loop, model.model(), metrics, std::move(listener)));
    made->stops_ = options.stops;
    for (int32_t i = 0; i < options.n; ++i) {
        auto detokenizer = api::Detokenizer::create(model.model(), options.stops);
        if (!detokenizer) return unexpected(error_of(detokenizer.failure()));
        made->choices_.emplace_back(std::move(*detokenizer));
    }
    krait_request_options request = KRAIT_REQUEST_OPTIONS_INIT;
    request.tokens = options.prompt.data();
    request.n_tok = options.prompt.size();
    request.sampler = &options.sampler;
    if (!options.ignore_ends) {
        request.stops = model.ends().data();
        request.n_stop = model.ends().size();
    }
    request.max_tokens = options.max_tokens;
    request.n = options.n;
    request.priority = options.priority;
    request.key = options.key.c_str();
    request.timeout_seconds = options.timeout_seconds;
    request.message_ends = options.message_ends.data();
    request.n_message_end = options.message_ends.size();
    request.reuse = options.reuse ? 1 : 0;
    request.max_events = std::max(kMinEvents, static_cast<size_t>(options.n) * 2);
    request.wake = wake;
    request.user = made.get();
    auto submitted = model.engine().submit(request);
    if (!submitted) {
        metrics.refused_generations.add(1);
        return unexpected(error_of(submitted.failure()));
    }
    made->request_.emplace(std::move(*submitted));
    // Events may have come before there was a request to take them from.
    made->loop_.post([made] { made->go_on(); });
    return made;
}

// On the engine's thread. Many events make one call of go_on, where the loop is busy.
void Generation::wake(void* generation) {
    auto* self = static_cast<Generation*>(generation);
    if (self->is_woken_.exchange(true)) return;
    self->loop_.post([weak = self->weak_from_this()] {
        if (const auto made = weak.lock()) made->go_on();
    });
}

void Generation::go_on() {
    is_woken_ = false;
    const auto self = shared_from_this();  // the listener may be the last to know it,
    const auto listener = listener_;       // and drop itself while it is told something
    while (listener_ && !listener_->is_full()) {
        const auto event = request_->next(0);
        if (!event) return fail(error_of(event.failure()));
        if (event->kind == KRAIT_EVENT_NONE) return;
        if (event->kind == KRAIT_EVENT_END) return end();
        take(*event);
    }
}

void Generation::cancel() {
    listener_ = nullptr;
    if (request_) (void)request_->cancel();
}

void Generation::take(const krait_event& event) {
    Choice& choice = choices_[static_cast<size_t>(event.choice)];
    if (choice.has_ended) return;  // by a stop text, of which the engine knows nothing
    if (event.kind == KRAIT_EVENT_TOKEN) return take_token(event.choice, event.token);
    switch (event.finish) {
        case KRAIT_FINISH_STOP:
            return end_choice(event.choice, {.reason = FinishReason::stop, .stop_text = {}, .stop_token = event.token});
        case KRAIT_FINISH_LENGTH:
            return end_choice(event.choice, {.reason = FinishReason::length, .stop_text = {}, .stop_token = -1});
        case KRAIT_FINISH_CANCELLED: return fail({.status = 503, .message = "the server is ending", .param = {}, .code = {}});
        case KRAIT_FINISH_DEADLINE:
            return fail(
                {.status = 504, .message = "the answer took longer than the request allows", .param = {}, .code = "timeout"});
        case KRAIT_FINISH_ERROR: return fail(error_of(request_->error()));
    }
}

void Generation::take_token(int32_t index, int32_t token) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    const auto now = Clock::now();
    const bool is_first = choice.last_token == Clock::time_point{};
    (is_first ? metrics_.time_to_first_token : metrics_.inter_token_latency)
        .observe(std::chrono::duration<double>(now - (is_first ? started_ : choice.last_token)).count());
    choice.last_token = now;
    ++generated_tokens_;
    if (stops_.size() > 1) choice.tokens.push_back(token);
    metrics_.generated_tokens.add(1);
    const auto text = choice.detokenizer.push(token);
    if (!text) return fail(error_of(text.failure()));
    listener_->on_text(index, *text, {&token, 1});
    if (listener_ && choice.detokenizer.is_stopped())
        end_choice(index, {.reason = FinishReason::stop, .stop_text = stop_text_of(choice), .stop_token = -1});
}

// The one that comes first; of those that begin at the same place the longest.
std::string Generation::stop_text_of(const Choice& choice) const {
    if (stops_.size() == 1) return stops_.front();
    const auto text = model_.detokenize(choice.tokens);
    if (!text) return {};
    const auto place = [&](const std::string& stop) { return std::pair(text->find(stop), SIZE_MAX - stop.size()); };
    return *std::min_element(stops_.begin(), stops_.end(),
                             [&](const std::string& a, const std::string& b) { return place(a) < place(b); });
}

void Generation::end_choice(int32_t index, ChoiceEnd end) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    choice.has_ended = true;
    ++n_ended_;
    if (!choice.detokenizer.is_stopped()) {
        const auto rest = choice.detokenizer.finish();
        if (!rest) return fail(error_of(rest.failure()));
        if (!rest->empty()) listener_->on_text(index, *rest, {});
    }
    if (!listener_) return;
    listener_->on_choice_end(index, end);
    // The engine goes on with a choice that a stop text has ended, as long as others of the request are wanted.
    if (n_ended_ == choices_.size() && request_) (void)request_->cancel();
}

void Generation::fail(Error error) {
    metrics_.failed_generations.add(1);
    if (request_) (void)request_->cancel();
    if (const auto listener = std::exchange(listener_, nullptr)) listener->on_error(error);
}

void Generation::end() {
    GenerationFigures figures;
    if (const auto measured = request_->measure()) figures.request = *measured;
    if (const auto text = request_->reuse_text()) figures.reuse_text = *text;
    figures.generated_tokens = generated_tokens_;
    metrics_.prompt_tokens.add(static_cast<int64_t>(figures.request.prompt_tokens));
    metrics_.cached_tokens.add(static_cast<int64_t>(figures.request.cached_tokens));
    metrics_.queue_time.observe(figures.request.queue_seconds);
    metrics_.end_to_end_time.observe(std::chrono::duration<double>(Clock::now() - started_).count());
    if (const auto listener = std::exchange(listener_, nullptr)) listener->on_end(figures);
}

}  // namespace krait::server
