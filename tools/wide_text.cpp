// SPDX-License-Identifier: Apache-2.0
#include "tools/wide_text.hpp"

#include "core/base/utf8.hpp"

namespace krait::tools {
namespace {

constexpr char32_t kByte = 0xDC00;

void append_utf8(std::string& out, char32_t point) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        out += static_cast<char>(0xE0 | point >> 12);
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0 | point >> 18);
        tail(12), tail(6), tail(0);
    }
}

}  // namespace

bool take_wide(std::string_view& bytes, wchar_t& character) {
    const Utf8Step step = utf8_step(bytes);
    if (step.kind == Utf8Kind::incomplete) return false;
    const bool is_character = step.kind == Utf8Kind::character && bytes[0] != '\0';
    character = static_cast<wchar_t>(is_character ? utf8_code_point(bytes.substr(0, step.length))
                                                  : kByte + static_cast<unsigned char>(bytes[0]));
    bytes.remove_prefix(is_character ? step.length : 1);
    return true;
}

std::wstring to_wide(std::string_view bytes) {
    std::wstring text;
    for (wchar_t character = 0; !bytes.empty();) {
        if (take_wide(bytes, character)) {
            text += character;
        } else {
            text += static_cast<wchar_t>(kByte + static_cast<unsigned char>(bytes[0]));
            bytes.remove_prefix(1);
        }
    }
    return text;
}

std::string from_wide(std::wstring_view text) {
    std::string bytes;
    for (const wchar_t character : text) {
        const auto point = static_cast<char32_t>(character);
        if (point >= kByte && point < kByte + 256) bytes += static_cast<char>(point - kByte);
        else append_utf8(bytes, point);
    }
    return bytes;
}

}  // namespace krait::tools
