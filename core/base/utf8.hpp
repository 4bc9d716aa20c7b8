// SPDX-License-Identifier: Apache-2.0
//
// UTF-8: steps through bytes that may or may not be it, and characters as bytes (The Unicode Standard 15, table 3-7: no
// surrogates, nothing above U+10FFFF, no longer form than needed).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace krait {

enum class Utf8Kind {
    character,   // `length` bytes are one character
    invalid,     // `length` bytes cannot begin any character, however the text goes on
    incomplete,  // the text ends after `length` bytes that may begin a character
};

struct Utf8Step {
    Utf8Kind kind;
    size_t length;
};

// The first character of the non-empty `bytes`, or the bytes that are none.
[[nodiscard]] inline Utf8Step utf8_step(std::string_view bytes) {
    const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    const uint8_t lead = at(0);
    if (lead < 0x80) return {Utf8Kind::character, 1};
    if (lead < 0xC2 || lead > 0xF4) return {Utf8Kind::invalid, 1};
    const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // The second byte is limited after four leads: overlong (E0, F0), surrogates (ED), above U+10FFFF (F4).
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < length; ++i) {
        if (i == bytes.size()) return {Utf8Kind::incomplete, i};
        if (at(i) < low || at(i) > high) return {Utf8Kind::invalid, i};
        low = 0x80;
        high = 0xBF;
    }
    return {Utf8Kind::character, length};
}

// The code point of a whole character, as utf8_step measured it.
[[nodiscard]] inline char32_t utf8_code_point(std::string_view character) {
    const auto at = [&](size_t i) { return static_cast<char32_t>(static_cast<uint8_t>(character[i])); };
    if (character.size() == 1) return at(0);
    char32_t point = at(0) & (0x7Fu >> character.size());
    for (size_t i = 1; i < character.size(); ++i) point = point << 6 | (at(i) & 0x3F);
    return point;
}

// point: at most U+10FFFF.
inline void append_utf8(std::string& text, char32_t point) {
    const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<uint8_t>(byte)); };
    const auto put_tail = [&](int shift) { put(0x80 | (point >> shift & 0x3F)); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put_tail(6);
    } else {
        put(0xF0 | point >> 18);
        put_tail(12);
        put_tail(6);
    }
    put_tail(0);
}

// How many bytes of `text` are whole characters, until the first that are none.
[[nodiscard]] inline size_t valid_prefix(std::string_view text) {
    size_t valid = 0;
    while (valid < text.size()) {
        const Utf8Step step = utf8_step(text.substr(valid));
        if (step.kind != Utf8Kind::character) break;
        valid += step.length;
    }
    return valid;
}
// How many are none, until the first character.
[[nodiscard]] inline size_t invalid_prefix(std::string_view text) {
    size_t invalid = 0;
    while (invalid < text.size()) {
        const Utf8Step step = utf8_step(text.substr(invalid));
        if (step.kind == Utf8Kind::character) break;
        invalid += step.length;
    }
    return invalid;
}
[[nodiscard]] inline bool is_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

// U+FFFD. Its bytes are an array, which the program has once; a string literal in a header is another one in every file, and
// begin() and end() may then come from different ones.
inline constexpr std::array<char, 3> kReplacementBytes{'\xEF', '\xBF', '\xBD'};
inline constexpr std::string_view kReplacementCharacter(kReplacementBytes.data(), kReplacementBytes.size());

}  // namespace krait
