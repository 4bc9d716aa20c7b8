// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/string_literal.hpp"

#include <charconv>

#include "core/base/utf8.hpp"
#include "text/chat_template/characters.hpp"

namespace krait::chat {
namespace {

constexpr std::string_view kLetters = "\\'\"abfnrtv", kStandFor = "\\'\"\a\b\f\n\r\t\v";

// Digits of a character's number at the beginning of `text`, which go.
std::optional<char32_t> take_number(std::string_view& text, size_t n_digit, int base, bool exact) {
    uint32_t number = 0;
    size_t n = 0;
    while (n < n_digit && n < text.size()) {
        uint32_t digit = 0;
        if (std::from_chars(text.data() + n, text.data() + n + 1, digit, base).ptr == text.data() + n) break;
        number = number * static_cast<uint32_t>(base) + digit;
        ++n;
    }
    if (n == 0 || (exact && n < n_digit)) return std::nullopt;
    if (number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) return std::nullopt;
    text.remove_prefix(n);
    return static_cast<char32_t>(number);
}

}  // namespace

std::optional<std::string> resolve_escapes(std::string_view inner) {
    std::string resolved;
    while (!inner.empty()) {
        const size_t mark = inner.find('\\');
        resolved += inner.substr(0, mark);
        if (mark == inner.npos) break;
        inner.remove_prefix(mark + 1);
        if (inner.empty()) return std::nullopt;
        const char letter = inner.front();
        if (letter == '\n') {  // the line goes on
            inner.remove_prefix(1);
        } else if (const size_t known = kLetters.find(letter); known != kLetters.npos) {
            resolved += kStandFor[known];
            inner.remove_prefix(1);
        } else if (letter == 'x' || letter == 'u' || letter == 'U') {
            inner.remove_prefix(1);
            const auto point = take_number(inner, letter == 'x' ? 2 : letter == 'u' ? 4 : 8, 16, true);
            if (!point) return std::nullopt;
            append_utf8(resolved, *point);
        } else if (letter >= '0' && letter <= '7') {
            const auto point = take_number(inner, 3, 8, false);
            if (!point) return std::nullopt;
            append_utf8(resolved, *point);
        } else {
            resolved += '\\';
        }
    }
    return resolved;
}

}  // namespace krait::chat
