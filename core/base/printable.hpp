// SPDX-License-Identifier: Apache-2.0
//
// Text of unknown origin (names in files, tokens, paths, messages of drivers), made fit for a terminal. What a terminal would
// obey instead of show is written as \x1b, byte by byte: control characters (C0, DEL, C1), the controls that turn the direction
// of writing (U+202A to U+202E, U+2066 to U+2069), and bytes that are no UTF-8. All else stays as it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace krait {

// In one line: a newline is \n, a tab is \t.
std::string printable(std::string_view text);

// Newlines and tabs stay: for text of several lines.
std::string printable_text(std::string_view text);

// printable() between two marks, a backslash doubled, with what is beyond max_bytes cut off: 'blk.0.ssm_in.weight'.
std::string quote(std::string_view text, char mark = '\'', size_t max_bytes = 80);

}  // namespace krait
