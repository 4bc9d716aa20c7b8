// SPDX-License-Identifier: Apache-2.0
//
// Characters of valid UTF-8 as Python sees them: strings are indexed and counted by code points, and white space, letters and
// upper case are Unicode's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace krait::chat {

// str.isspace of one character.
bool is_space(char32_t point);
bool is_printable(char32_t point);  // str.isprintable
bool is_letter(char32_t point);     // str.isalpha
bool is_digit(char32_t point);      // str.isdigit
bool is_upper(char32_t point);
bool is_lower(char32_t point);

// Bytes of the character that begins at byte `at`, and its code point.
size_t length_at(std::string_view text, size_t at);
char32_t point_at(std::string_view text, size_t at);
// The byte at which the character before byte `end` begins; end > 0.
size_t previous(std::string_view text, size_t end);

bool is_ascii(std::string_view text);
size_t count_points(std::string_view text);
// The byte at which code point `index` begins; the end of the text where it has no more.
size_t byte_of_point(std::string_view text, size_t index);

// The text without white space at its ends, as a range of bytes.
size_t first_not_space(std::string_view text);
size_t end_without_space(std::string_view text);

std::string to_upper(char32_t point);  // the characters that the case mapping gives
std::string to_lower(char32_t point);
std::string to_title(char32_t point);

}  // namespace krait::chat
