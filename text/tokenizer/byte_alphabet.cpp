// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/byte_alphabet.hpp"

#include <array>

#include "core/base/utf8.hpp"

namespace krait {

namespace {

constexpr bool stands_for_itself(uint32_t byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD); }

constexpr uint32_t kFirstShifted = 0x100;
constexpr uint32_t kEnd = kFirstShifted + 68;  // 256 - 188

struct Alphabet {
    std::array<uint16_t, 256> character{};
    std::array<int16_t, kEnd> byte{};  // -1 = not of the alphabet

    constexpr Alphabet() {
        for (int16_t& entry : byte) entry = -1;
        uint32_t shifted = kFirstShifted;
        for (uint32_t b = 0; b < 256; ++b) {
            const uint32_t point = stands_for_itself(b) ? b : shifted++;
            character[b] = static_cast<uint16_t>(point);
            byte[point] = static_cast<int16_t>(b);
        }
    }
};
constexpr Alphabet kAlphabet;
static_assert(kAlphabet.character[0xAD] == kEnd - 1, "the last of the 68");

}  // namespace

std::string byte_to_alphabet(uint8_t byte) {
    const uint32_t point = kAlphabet.character[byte];
    if (point < 0x80) return {static_cast<char>(point)};
    return {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};  // all below U+0800
}

std::optional<std::string> alphabet_to_bytes(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    while (!text.empty()) {
        const Utf8Step step = utf8_step(text);
        if (step.kind != Utf8Kind::character) return std::nullopt;
        const char32_t point = utf8_code_point(text.substr(0, step.length));
        if (point >= kEnd || kAlphabet.byte[point] < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(kAlphabet.byte[point]));
        text.remove_prefix(step.length);
    }
    return bytes;
}

}  // namespace krait
