// SPDX-License-Identifier: Apache-2.0
#include "core/base/printable.hpp"

#include <fmt/format.h>

#include "core/base/utf8.hpp"

namespace krait {
namespace {

bool is_obeyed(char32_t point) {
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x202A && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

// Appends what `text` begins with, a character or bytes that are none; gives how many bytes these were.
size_t append_step(std::string& out, std::string_view text) {
    const Utf8Step step = utf8_step(text);
    const std::string_view part = text.substr(0, step.length);
    if (step.kind == Utf8Kind::character && !is_obeyed(utf8_code_point(part))) out += part;
    else if (part == "\n") out += "\\n";
    else if (part == "\t") out += "\\t";
    else
        for (const char c : part) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return step.length;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) text.remove_prefix(append_step(out, text));
    return out;
}

std::string printable_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text[0] == '\n' || text[0] == '\t') {
            out += text[0];
            text.remove_prefix(1);
        } else {
            text.remove_prefix(append_step(out, text));
        }
    }
    return out;
}

std::string quote(std::string_view text, char mark, size_t max_bytes) {
    std::string out(1, mark);
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string shown;
        const size_t length = append_step(shown, rest);
        if (text.size() - rest.size() + length > max_bytes) break;
        out += shown == "\\" ? "\\\\" : shown;
        rest.remove_prefix(length);
    }
    out += mark;
    if (!rest.empty()) out += fmt::format("... ({} bytes in all)", text.size());
    return out;
}

}  // namespace krait
