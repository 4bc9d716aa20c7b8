// SPDX-License-Identifier: Apache-2.0
//
// An answer as Ollama writes it: an object, or a line of JSON for each part.
#pragma once

#include "server/answer.hpp"

namespace krait::server::ollama {

class LineFormat final : public AnswerFormat {
  public:
    LineFormat(std::string model, bool is_chat) : model_(std::move(model)), is_chat_(is_chat) {}

    std::string stream_type() const override { return "application/x-ndjson"; }
    std::string text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) override;
    std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) override;
    std::string end(const AnswerFigures& figures) override;
    std::string error(const Error& error) override;
    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override;

  private:
    Json part(std::string_view text) const;
    Json last_part(std::string_view text, const ChoiceEnd& end, const AnswerFigures& figures) const;

    const std::string model_;
    const bool is_chat_;
};

}  // namespace krait::server::ollama
