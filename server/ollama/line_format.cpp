// SPDX-License-Identifier: Apache-2.0
#include "server/ollama/line_format.hpp"

#include "server/error_response.hpp"
#include "server/ollama/time.hpp"

namespace krait::server::ollama {

static int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

Json LineFormat::part(std::string_view text) const {
    Json json{{"model", model_}, {"created_at", time_text(std::time(nullptr))}};
    if (is_chat_) json["message"] = {{"role", "assistant"}, {"content", text}};
    else json["response"] = text;
    json["done"] = false;
    return json;
}

Json LineFormat::last_part(std::string_view text, const ChoiceEnd& end, const AnswerFigures& figures) const {
    Json json = part(text);
    json["done"] = true;
    json["done_reason"] = end.reason == FinishReason::length ? "length" : "stop";
    json["total_duration"] = nanoseconds(figures.queue_seconds + figures.prompt_seconds + figures.generation_seconds);
    json["load_duration"] = 0;
    json["prompt_eval_count"] = figures.prompt_tokens;
    json["prompt_eval_duration"] = nanoseconds(figures.prompt_seconds);
    json["eval_count"] = figures.generated_tokens;
    json["eval_duration"] = nanoseconds(figures.generation_seconds);
    return json;
}

std::string LineFormat::text(int32_t, std::string_view text, std::span<const int32_t>) {
    return text.empty() ? std::string() : to_text(part(text)) + "\n";
}

std::string LineFormat::choice_end(int32_t, const ChoiceEnd& end, const AnswerFigures* figures) {
    return to_text(last_part("", end, *figures)) + "\n";
}

std::string LineFormat::end(const AnswerFigures&) { return {}; }

std::string LineFormat::error(const Error& error) { return to_text(ollama_error(error)) + "\n"; }

Json LineFormat::whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) {
    return last_part(choices.front().text, choices.front().end, figures);
}

}  // namespace krait::server::ollama
