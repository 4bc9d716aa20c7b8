// SPDX-License-Identifier: Apache-2.0
//
// Generated tokens as `krait run` writes them: as text until a stop text, or as ids with commas between them where the model
// has no tokenizer for text.
#pragma once

#include <krait/model.hpp>
#include <optional>
#include <span>
#include <string>

#include "tools/result.hpp"

namespace krait::tools {

class GeneratedText {
  public:
    // text: nothing = ids are written.
    explicit GeneratedText(std::optional<api::Detokenizer> text) : text_(std::move(text)) {}

    // A prompt of ids. Stop texts in it do not count.
    api::Result<std::string> echo(std::span<const int32_t> prompt);
    // The text that can be written now.
    api::Result<std::string> push(int32_t token);
    bool stopped() const { return text_ && text_->is_stopped(); }
    // The end: the text that was held back. Ready for the next one then.
    api::Result<std::string> finish();

  private:
    std::string as_id(int32_t token);

    std::optional<api::Detokenizer> text_;
    bool has_ids_ = false;  // a comma has to stand in front of the next one
};

}  // namespace krait::tools
