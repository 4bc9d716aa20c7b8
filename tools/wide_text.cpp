// SPDX-License-Identifier: Apache-2.0
#include "tools/wide_text.hpp"

#include "core/base/utf8.hpp"

namespace krait::tools {
namespace {

constexpr char32_t kByte = 0xDC00;

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
