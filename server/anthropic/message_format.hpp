// SPDX-License-Identifier: Apache-2.0
//
// An answer in the form of Anthropic's messages: one block of text, whole or in events with names.
#pragma once

#include "server/answer.hpp"

namespace krait::server::anthropic {

class MessageFormat final : public AnswerFormat {
  public:
    // n_prompt_tok: what the first event says of the prompt; how much of it was cached is known at the end.
    MessageFormat(std::string id, std::string model, size_t n_prompt_tok);

    std::string begin() override;
    std::string text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) override;
    std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) override;
    std::string end(const AnswerFigures& figures) override;
    std::string error(const Error& error) override;
    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override;

  private:
    Json message() const;  // without content

    const std::string id_, model_;
    const size_t n_prompt_tok_;
};

}  // namespace krait::server::anthropic
