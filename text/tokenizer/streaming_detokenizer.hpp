// SPDX-License-Identifier: Apache-2.0
//
// Tokens to text, one at a time, for a terminal: tokens may end inside a character, a terminal must not see half of one.
//
//   StreamingDetokenizer out(tokenizer);
//   while (...) { KRAIT_TRY(auto text, out.push(id)); print(text); }
//   print(out.flush());
//
// All that is returned, in a row, is Tokenizer::decode of the same ids (as a text that continues another one) made valid UTF-8,
// and so is every part of it. At most 3 bytes are held back: those that may still become a character. Bytes that cannot are
// U+FFFD at once, one for each maximal prefix of a character (The Unicode Standard 15, section 3.9, "U+FFFD Substitution of
// Maximal Subparts"). The exact bytes remain in Tokenizer::token_bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait {

class StreamingDetokenizer {
  public:
    explicit StreamingDetokenizer(Tokenizer tokenizer, DecodeOptions options = {});

    // The text that is certain now; often empty. Fails on an id out of range, and then nothing has changed.
    [[nodiscard]] Result<std::string> push(int32_t id);

    // The same for bytes that come from elsewhere.
    [[nodiscard]] std::string push_bytes(std::string_view bytes);

    // The end: U+FFFD if a character was cut off, else empty. Ready for the next text then.
    [[nodiscard]] std::string flush();

  private:
    Tokenizer tokenizer_;
    DecodeOptions options_;
    std::string held_;  // a prefix of one character, at most 3 bytes
};

}  // namespace krait
