// SPDX-License-Identifier: Apache-2.0
//
// The terminal behind standard error: how wide it is, and how many of its columns a text takes.
#pragma once

#include <string>
#include <string_view>

namespace krait::tools {

// Standard error is a terminal that can move its cursor, so that a line can be drawn anew.
bool terminal_can_draw();

// As the terminal says now (it may have been resized), else COLUMNS, else 80.
size_t terminal_columns();

// Columns that printable UTF-8 takes: 2 for most characters of East Asia and emoji, 0 for marks that join another character.
size_t display_width(std::string_view text);

// The beginning of text that fits into so many columns, with '~' at its end where it is cut.
std::string fit_columns(std::string_view text, size_t columns);

}  // namespace krait::tools
