// SPDX-License-Identifier: Apache-2.0
#include "tools/shown.hpp"

#include <fmt/format.h>

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"
#include "core/base/text_position.hpp"

namespace krait::tools {

std::string printable(std::string_view text) { return krait::printable(text); }

std::string line_and_column(std::string_view text, size_t offset) {
    const auto [line, column] = text_position(text, offset);
    return fmt::format("line {}, column {}", line, column);
}

std::string format_bytes(double bytes) { return krait::format_bytes(bytes); }

}  // namespace krait::tools
