// SPDX-License-Identifier: Apache-2.0
//
// Where the prompts of `krait run` and `krait chat` come from: typed at a terminal, in a line editor where there is one; else
// the lines of standard input.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "tools/input.hpp"
#include "tools/line_editor.hpp"

namespace krait::tools {

// How the prompts of a command are typed, told at a terminal before the first: in a line editor, and without one.
struct PromptsHelp {
    const char* edited;
    const char* lines;
};

class Prompts {
  public:
    // interrupted: set by Ctrl-C (tools/interrupt.hpp). remember: what is typed goes into
    // krait/history in the state directory.
    Prompts(std::atomic<bool>& interrupted, bool remember, const PromptsHelp& help);

    bool are_typed() const { return are_typed_; }

    // The next one; false at the end. Where prompts are typed, a Ctrl-C that came too late to stop an answer, or that cleared a
    // line, does not count for what is typed then: the flag is cleared.
    api::Result<bool> next(std::string& text);

  private:
    api::Result<bool> read(std::string& text);

    std::atomic<bool>& interrupted_;
    const bool are_typed_;
    std::unique_ptr<LineEditor> editor_;  // null: the terminal hands out lines
    LineReader lines_;
};

}  // namespace krait::tools
