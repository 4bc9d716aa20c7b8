// SPDX-License-Identifier: Apache-2.0
#include "server/openai/shapes.hpp"

#include <fmt/format.h>

#include <ctime>

#include "server/random.hpp"

namespace krait::server::openai {

AnswerHead AnswerHead::make(std::string_view id_prefix, std::string_view object, const Context& context) {
    return {.id = fmt::format("{}-{}", id_prefix, random_id()),
            .object = std::string(object),
            .model = context.model.name(),
            .created = std::time(nullptr)};
}

Json AnswerHead::json() const { return {{"id", id}, {"object", object}, {"created", created}, {"model", model}}; }

std::string_view finish_word(const ChoiceEnd& end) { return end.reason == FinishReason::length ? "length" : "stop"; }

Json usage_json(const AnswerFigures& figures) {
    return {{"prompt_tokens", figures.prompt_tokens},
            {"completion_tokens", figures.generated_tokens},
            {"total_tokens", figures.prompt_tokens + figures.generated_tokens},
            {"prompt_tokens_details", {{"cached_tokens", figures.cached_tokens}}}};
}

Json timings_json(const AnswerFigures& figures) {
    const auto rate = [](uint64_t n, double seconds) { return seconds > 0 ? static_cast<double>(n) / seconds : 0.0; };
    const auto each = [](uint64_t n, double seconds) { return n > 0 ? seconds * 1e3 / static_cast<double>(n) : 0.0; };
    const uint64_t n_read = figures.prompt_tokens - figures.cached_tokens;
    return {{"cache_n", figures.cached_tokens},
            {"cache_miss", figures.reuse_text},
            {"queue_ms", figures.queue_seconds * 1e3},
            {"prompt_n", n_read},
            {"prompt_ms", figures.prompt_seconds * 1e3},
            {"prompt_per_token_ms", each(n_read, figures.prompt_seconds)},
            {"prompt_per_second", rate(n_read, figures.prompt_seconds)},
            {"predicted_n", figures.generated_tokens},
            {"predicted_ms", figures.generation_seconds * 1e3},
            {"predicted_per_token_ms", each(figures.generated_tokens, figures.generation_seconds)},
            {"predicted_per_second", rate(figures.generated_tokens, figures.generation_seconds)}};
}

std::string event_of(const Json& json) { return fmt::format("data: {}\n\n", to_text(json)); }

std::string error_event(const Error& error) { return event_of(openai_error(error)); }

std::string end_of_stream(const AnswerHead& head, bool includes_usage, const AnswerFigures& figures) {
    const std::string done = "data: [DONE]\n\n";
    if (!includes_usage) return done;
    Json json = head.json();
    json["choices"] = Json::array();
    json["usage"] = usage_json(figures);
    return event_of(json) + done;
}

Json whole_answer(const AnswerHead& head, Json choices, const AnswerFigures& figures) {
    Json json = head.json();
    json["choices"] = std::move(choices);
    json["usage"] = usage_json(figures);
    json["timings"] = timings_json(figures);
    return json;
}

}  // namespace krait::server::openai
