// SPDX-License-Identifier: Apache-2.0
#include "tools/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cwchar>

#include "core/base/environment.hpp"
#include "core/base/utf8.hpp"

namespace krait::tools {
namespace {

// Columns of the character that text begins with, and its bytes.
size_t character_width(std::string_view text, size_t& bytes) {
    const Utf8Step step = utf8_step(text);
    bytes = step.length;
    const int width =
        step.kind == Utf8Kind::character ? wcwidth(static_cast<wchar_t>(utf8_code_point(text.substr(0, bytes)))) : -1;
    return width >= 0 ? static_cast<size_t>(width) : 2;  // unknown: rather too wide than too narrow
}

}  // namespace

bool terminal_can_draw() { return isatty(STDERR_FILENO) == 1 && environment::terminal_moves_its_cursor(); }

size_t terminal_columns() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return static_cast<size_t>(environment::terminal_columns().value_or(80));
}

size_t display_width(std::string_view text) {
    size_t columns = 0;
    for (size_t bytes = 0; !text.empty(); text.remove_prefix(bytes)) columns += character_width(text, bytes);
    return columns;
}

std::string fit_columns(std::string_view text, size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    if (columns == 0) return {};
    size_t taken = 0, end = 0;
    for (size_t bytes = 0; end < text.size(); end += bytes) {
        const size_t width = character_width(text.substr(end), bytes);
        if (taken + width + 1 > columns) break;
        taken += width;
    }
    return std::string(text.substr(0, end)) + '~';
}

}  // namespace krait::tools
