// SPDX-License-Identifier: Apache-2.0
#include "server/llamacpp/completion_format.hpp"

#include "server/openai/shapes.hpp"

namespace krait::server::llamacpp {

static std::string_view stop_type(const ChoiceEnd& end) {
    if (end.reason == FinishReason::length) return "limit";
    return end.stop_token >= 0 ? "eos" : "word";
}

Json CompletionFormat::last_part(std::string_view text, std::span<const int32_t> tokens, const ChoiceEnd& end,
                                 const AnswerFigures& figures) const {
    return {{"index", 0},
            {"content", text},
            {"tokens", with_tokens_ ? Json(std::vector(tokens.begin(), tokens.end())) : Json::array()},
            {"id_slot", -1},
            {"stop", true},
            {"model", model_},
            {"tokens_predicted", figures.generated_tokens},
            {"tokens_evaluated", figures.prompt_tokens},
            {"tokens_cached", figures.cached_tokens},
            {"prompt", prompt_},
            {"truncated", false},
            {"stop_type", stop_type(end)},
            {"stopping_word", end.stop_text},
            {"timings", openai::timings_json(figures)}};
}

std::string CompletionFormat::text(int32_t, std::string_view text, std::span<const int32_t> tokens) {
    n_token_ += tokens.size();
    if (text.empty() && !with_tokens_) return {};
    return openai::event_of({{"index", 0},
                             {"content", text},
                             {"tokens", with_tokens_ ? Json(std::vector(tokens.begin(), tokens.end())) : Json::array()},
                             {"stop", false},
                             {"id_slot", -1},
                             {"tokens_predicted", n_token_}});
}

std::string CompletionFormat::choice_end(int32_t, const ChoiceEnd& end, const AnswerFigures* figures) {
    return openai::event_of(last_part("", {}, end, *figures));
}

std::string CompletionFormat::error(const Error& error) { return openai::error_event(error); }

Json CompletionFormat::whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) {
    return last_part(choices.front().text, choices.front().tokens, choices.front().end, figures);
}

}  // namespace krait::server::llamacpp
