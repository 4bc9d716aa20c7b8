// SPDX-License-Identifier: Apache-2.0
//
// Texts and sizes as the commands show them.
#pragma once

#include <string>
#include <string_view>

namespace krait::tools {

// Text of unknown origin in one line, with whatever a terminal would obey escaped (core/base/printable.hpp).
std::string printable(std::string_view text);

// "line 2, column 5", of the byte at `offset`; columns are characters.
std::string line_and_column(std::string_view text, size_t offset);

// "512 B", "1.0 KiB", "7.9 GiB"
std::string format_bytes(double bytes);

}  // namespace krait::tools
