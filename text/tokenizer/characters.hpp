// SPDX-License-Identifier: Apache-2.0
//
// Classes of Unicode characters that tokenizers ask for, and how characters are changed before they are cut. Categories are
// those of the Unicode version that utf8proc has.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace krait {

[[nodiscard]] bool is_white_space(char32_t point);        // the property White_Space
[[nodiscard]] bool is_word(char32_t point);               // \w of regular expressions: letters, marks, digits, connectors
[[nodiscard]] bool is_punctuation(char32_t point);        // category P
[[nodiscard]] bool is_control_or_format(char32_t point);  // categories Cc, Cf, Co and Cs
[[nodiscard]] bool is_nonspacing_mark(char32_t point);    // category Mn

// In lower case: one character, or two for U+0130.
void append_lower(char32_t point, std::string& text);

}  // namespace krait
