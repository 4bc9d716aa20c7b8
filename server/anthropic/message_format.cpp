// SPDX-License-Identifier: Apache-2.0
#include "server/anthropic/message_format.hpp"

#include <fmt/format.h>

#include "server/error_response.hpp"

namespace krait::server::anthropic {
namespace {

std::string event(std::string_view type, Json data) {
    Json json{{"type", type}};
    json.update(data);
    return fmt::format("event: {}\ndata: {}\n\n", type, to_text(json));
}

// Tokens that came from a kept prefix are no part of input_tokens.
Json usage_json(const AnswerFigures& figures) {
    return {{"input_tokens", figures.prompt_tokens - figures.cached_tokens},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", figures.cached_tokens},
            {"output_tokens", figures.generated_tokens}};
}

Json stop_json(const ChoiceEnd& end) {
    const bool is_text = !end.stop_text.empty();
    return {{"stop_reason", end.reason == FinishReason::length ? "max_tokens"
                            : is_text                          ? "stop_sequence"
                                                               : "end_turn"},
            {"stop_sequence", is_text ? Json(end.stop_text) : Json()}};
}

}  // namespace

MessageFormat::MessageFormat(std::string id, std::string model, size_t n_prompt_tok)
    : id_(std::move(id)), model_(std::move(model)), n_prompt_tok_(n_prompt_tok) {}

Json MessageFormat::message() const {
    return {{"id", id_}, {"type", "message"}, {"role", "assistant"}, {"model", model_}, {"content", Json::array()}};
}

std::string MessageFormat::begin() {
    Json start = message();
    start["stop_reason"] = nullptr;
    start["stop_sequence"] = nullptr;
    start["usage"] = {{"input_tokens", n_prompt_tok_}, {"output_tokens", 0}};
    return event("message_start", {{"message", std::move(start)}}) +
           event("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}});
}

std::string MessageFormat::text(int32_t, std::string_view text, std::span<const int32_t>) {
    if (text.empty()) return {};
    return event("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", text}}}});
}

std::string MessageFormat::choice_end(int32_t, const ChoiceEnd& end, const AnswerFigures* figures) {
    return event("content_block_stop", {{"index", 0}}) +
           event("message_delta", {{"delta", stop_json(end)}, {"usage", usage_json(*figures)}});
}

std::string MessageFormat::end(const AnswerFigures&) { return event("message_stop", Json::object()); }

std::string MessageFormat::error(const Error& error) {
    return fmt::format("event: error\ndata: {}\n\n", to_text(anthropic_error(error)));
}

Json MessageFormat::whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) {
    Json json = message();
    json["content"].push_back({{"type", "text"}, {"text", choices.front().text}});
    json.update(stop_json(choices.front().end));
    json["usage"] = usage_json(figures);
    return json;
}

}  // namespace krait::server::anthropic
