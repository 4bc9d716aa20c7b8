// SPDX-License-Identifier: Apache-2.0
//
// The text behind --help, from the tables of a command.
#pragma once

#include "tools/command_line/command_line.hpp"

namespace krait::tools {

// path: how the command is called, "krait run". closing: the last line, may be empty. Lines have at most 100 columns, but for
// those of the footer, which stay as they are.
std::string help_text(const Command& command, std::string_view path, std::string_view closing);

}  // namespace krait::tools
