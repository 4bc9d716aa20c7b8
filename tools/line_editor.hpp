// SPDX-License-Identifier: Apache-2.0
//
// Prompts typed at a terminal: edited with libedit, of any length and any number of lines, with a history. Enter ends a prompt;
// Alt-Enter, or a backslash in front of Enter, begins a new line of it, and what is pasted is one piece, newlines and all. The
// terminal has its own modes only while a prompt is typed, and gets its old ones back however that ends.
//
// Where Krait was built without libedit there is no editor, and lines come as the terminal hands them out: of at most 4095
// bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tools/result.hpp"

namespace krait::tools {

// "libedit", or "none" where it was not there to build with.
const char* line_editor_name();

class LineEditor {
  public:
    virtual ~LineEditor() = default;

    // The next prompt, asked for with "> " on standard error; false at the end of the input (Ctrl-D). Ctrl-C clears what is
    // typed.
    virtual api::Result<bool> read(std::string& text) = 0;
};

// For standard input and standard error, where both are terminals that can draw; else null. Prompts are remembered in
// `history`, which only its owner can read, and without it while the process lives.
std::unique_ptr<LineEditor> open_line_editor(const std::optional<std::filesystem::path>& history);

}  // namespace krait::tools
