// SPDX-License-Identifier: Apache-2.0
//
// Generated tokens as `krait run` writes them: as text until a stop text, or as ids with commas between them where the model
// has no tokenizer for text.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "text/tokenizer/stop_matcher.hpp"
#include "text/tokenizer/streaming_detokenizer.hpp"

namespace krait::tools {

class GeneratedText {
  public:
    // tokenizer: nullptr = none.
    GeneratedText(const Tokenizer* tokenizer, StopMatcher stops);

    // A prompt of ids. Stop texts in it do not count.
    std::string echo(std::span<const int32_t> prompt);
    // What can be written now.
    Result<std::string> push(int32_t token);
    bool stopped() const { return stops_.found().has_value(); }
    // The end: the text that was held back. Ready for the next one then.
    std::string finish();

  private:
    std::string as_id(int32_t token);

    std::optional<StreamingDetokenizer> text_;
    StopMatcher stops_;
    bool has_ids_ = false;  // a comma has to stand in front of the next one
};

}  // namespace krait::tools
