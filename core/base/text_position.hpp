// SPDX-License-Identifier: Apache-2.0
//
// Where a byte of a text stands, for messages.
#pragma once

#include <algorithm>
#include <string_view>

namespace krait {

struct TextPosition {
    size_t line, column;  // from 1; columns are characters of UTF-8
};

// Of the byte at `offset`; of the end where the text is shorter.
inline TextPosition text_position(std::string_view text, size_t offset) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const std::string_view line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
    const auto is_first = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    return {static_cast<size_t>(std::ranges::count(before, '\n')) + 1,
            static_cast<size_t>(std::ranges::count_if(line, is_first)) + 1};
}

}  // namespace krait
