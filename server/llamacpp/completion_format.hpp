// SPDX-License-Identifier: Apache-2.0
//
// An answer of /completion: an object, or events with a part each, the last of which has "stop": true.
#pragma once

#include "server/answer.hpp"

namespace krait::server::llamacpp {

class CompletionFormat final : public AnswerFormat {
  public:
    CompletionFormat(std::string model, std::string prompt, bool with_tokens)
        : model_(std::move(model)), prompt_(std::move(prompt)), with_tokens_(with_tokens) {}

    std::string text(int32_t choice, std::string_view text, std::span<const int32_t> tokens) override;
    std::string choice_end(int32_t choice, const ChoiceEnd& end, const AnswerFigures* figures) override;
    std::string end(const AnswerFigures&) override { return {}; }
    std::string error(const Error& error) override;
    Json whole(const std::vector<ChoiceText>& choices, const AnswerFigures& figures) override;

  private:
    Json last_part(std::string_view text, std::span<const int32_t> tokens, const ChoiceEnd& end,
                   const AnswerFigures& figures) const;

    const std::string model_, prompt_;
    const bool with_tokens_;
    uint64_t n_token_ = 0;
};

}  // namespace krait::server::llamacpp
