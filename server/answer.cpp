// SPDX-License-Identifier: Apache-2.0
#include "server/answer.hpp"

#include <algorithm>

namespace krait::server {

class Answer::Part final : public GenerationListener {
  public:
    Part(std::shared_ptr<Answer> answer, int32_t first_choice) : answer_(std::move(answer)), first_choice_(first_choice) {}
    void on_text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) override {
        answer_->take_text(first_choice_ + choice, text, tokens);
    }
    void on_choice_end(int32_t choice, const ChoiceEnd& end) override { answer_->take_choice_end(first_choice_ + choice, end); }
    void on_end(const GenerationFigures& figures) override { answer_->take_end(figures); }
    void on_error(const Error& error) override { answer_->fail(error); }
    bool is_full() const override { return answer_->is_stream_ && answer_->exchange_->is_full(); }

  private:
    const std::shared_ptr<Answer> answer_;
    const int32_t first_choice_;
};

Answer::Answer(ExchangePtr exchange, Metrics& metrics, bool is_stream, std::unique_ptr<AnswerFormat> format)
    : exchange_(std::move(exchange)), metrics_(metrics), is_stream_(is_stream), format_(std::move(format)) {}

void Answer::start(Context& context, const ExchangePtr& exchange, const std::vector<GenerationOptions>& generations,
                   bool is_stream, std::unique_ptr<AnswerFormat> format) {
    if (context.is_draining)
        return send_error(*exchange, {.status = 503, .message = "the server is ending", .param = {}, .code = {}});
    const std::shared_ptr<Answer> answer(new Answer(exchange, context.metrics, is_stream, std::move(format)));
    int32_t n_choice = 0;
    for (const GenerationOptions& options : generations) {
        auto part = std::make_shared<Part>(answer, n_choice);
        auto generation = Generation::start(context.http, context.model, context.metrics, options, std::move(part));
        if (!generation) return answer->fail(generation.error());
        answer->generations_.push_back(std::move(*generation));
        n_choice += options.n;
    }
    answer->choices_.resize(static_cast<size_t>(n_choice));
    if (is_stream) {
        // Proxies would keep the parts until there are many.
        exchange->begin({.status = 200,
                         .content_type = answer->format_->stream_type(),
                         .body = answer->format_->begin(),
                         .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}});
        exchange->on_room([answer] {
            for (const auto& generation : std::vector(answer->generations_)) generation->go_on();
        });
    }
    exchange->on_gone([answer] {
        answer->metrics_.cancelled_generations.add(1);
        answer->drop();
    });
}

void Answer::take_text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) {
    if (is_stream_) return exchange_->write(format_->text(choice, text, tokens));
    ChoiceText& so_far = choices_[static_cast<size_t>(choice)];
    so_far.text += text;
    so_far.tokens.insert(so_far.tokens.end(), tokens.begin(), tokens.end());
}

void Answer::take_choice_end(int32_t choice, const ChoiceEnd& end) {
    choices_[static_cast<size_t>(choice)].end = end;
    if (++n_choice_ended_ == choices_.size()) last_choice_ = choice;
    else if (is_stream_) exchange_->write(format_->choice_end(choice, end, nullptr));
}

void Answer::take_end(const GenerationFigures& figures) {
    const krait_request_figures& request = figures.request;
    figures_.prompt_tokens += request.prompt_tokens;
    figures_.cached_tokens += request.cached_tokens;
    figures_.generated_tokens += figures.generated_tokens;
    figures_.queue_seconds = std::max(figures_.queue_seconds, request.queue_seconds);
    figures_.prompt_seconds = std::max(figures_.prompt_seconds, request.prompt_seconds);
    figures_.generation_seconds = std::max(figures_.generation_seconds, request.generation_seconds);
    if (n_generation_ended_++ == 0) figures_.reuse_text = figures.reuse_text;
    if (n_generation_ended_ == generations_.size()) finish();
}

void Answer::finish() {
    const auto self = shared_from_this();
    if (is_stream_) {
        exchange_->write(format_->choice_end(last_choice_, choices_[static_cast<size_t>(last_choice_)].end, &figures_));
        exchange_->write(format_->end(figures_));
        exchange_->end();
    } else {
        send_json(*exchange_, format_->whole(choices_, figures_));
    }
    drop();
}

void Answer::fail(const Error& error) {
    const auto self = shared_from_this();
    if (!exchange_->has_begun()) {
        send_error(*exchange_, error);
    } else {
        // An end without the marks of one: nobody takes the part for the whole.
        exchange_->write(format_->error(error));
        exchange_->end();
    }
    drop();
}

void Answer::drop() {
    for (const auto& generation : std::exchange(generations_, {})) generation->cancel();
}

}  // namespace krait::server
