// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/characters.hpp"

#include <utf8proc.h>

#include "core/base/utf8.hpp"

namespace krait::chat {
namespace {

utf8proc_category_t category(char32_t point) { return utf8proc_category(static_cast<utf8proc_int32_t>(point)); }

}  // namespace

// Characters of the categories Zs, and those whose direction is WS, B or S.
bool is_space(char32_t point) {
    if (point < 0x80) return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20);
    switch (point) {
        case 0x85:
        case 0xA0:
        case 0x1680:
        case 0x2028:
        case 0x2029:
        case 0x202F:
        case 0x205F:
        case 0x3000: return true;
        default: return point >= 0x2000 && point <= 0x200A;
    }
}

bool is_printable(char32_t point) {
    if (point < 0x7F) return point >= 0x20;
    switch (category(point)) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_ZS: return false;
        default: return true;
    }
}

bool is_letter(char32_t point) {
    const auto found = category(point);
    return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_digit(char32_t point) {
    if (point < 0x80) return point >= '0' && point <= '9';
    return category(point) == UTF8PROC_CATEGORY_ND || point == 0xB2 || point == 0xB3 || point == 0xB9;
}

bool is_upper(char32_t point) { return category(point) == UTF8PROC_CATEGORY_LU; }
bool is_lower(char32_t point) { return category(point) == UTF8PROC_CATEGORY_LL || point == 0xAA || point == 0xBA; }

size_t length_at(std::string_view text, size_t at) { return utf8_step(text.substr(at)).length; }

char32_t point_at(std::string_view text, size_t at) { return utf8_code_point(text.substr(at, length_at(text, at))); }

size_t previous(std::string_view text, size_t end) {
    do {
        --end;
    } while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80);
    return end;
}

bool is_ascii(std::string_view text) {
    uint8_t all = 0;
    for (const char c : text) all |= static_cast<uint8_t>(c);
    return all < 0x80;
}

size_t count_points(std::string_view text) {
    size_t count = 0;
    for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
    return count;
}

size_t byte_of_point(std::string_view text, size_t index) {
    for (size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) continue;
        if (index-- == 0) return at;
    }
    return text.size();
}

size_t first_not_space(std::string_view text) {
    size_t at = 0;
    while (at < text.size() && is_space(point_at(text, at))) at += length_at(text, at);
    return at;
}

size_t end_without_space(std::string_view text) {
    size_t end = text.size();
    while (end > 0 && is_space(point_at(text, previous(text, end)))) end = previous(text, end);
    return end;
}

std::string to_upper(char32_t point) {
    if (point == 0xDF) return "SS";  // the one letter of a living alphabet whose upper case is two
    std::string text;
    append_utf8(text, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(point))));
    return text;
}

std::string to_lower(char32_t point) {
    std::string text;
    append_utf8(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point))));
    return text;
}

std::string to_title(char32_t point) {
    if (point == 0xDF) return "Ss";
    std::string text;
    append_utf8(text, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(point))));
    return text;
}

}  // namespace krait::chat
