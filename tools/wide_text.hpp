// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 as the wide characters that libedit edits, and back. A byte that is no part of a character, and a NUL, which would end
// a wide string, become U+DC00 + byte: half of a surrogate pair, which no character is. So any bytes come back as they were.
#pragma once

#include <string>
#include <string_view>

namespace krait::tools {

// Takes one character, or one byte that is none, from the front of bytes; false where they end inside a character.
bool take_wide(std::string_view& bytes, wchar_t& character);

std::wstring to_wide(std::string_view bytes);
std::string from_wide(std::wstring_view text);

}  // namespace krait::tools
