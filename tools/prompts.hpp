// SPDX-License-Identifier: Apache-2.0
//
// Where the prompts of `krait run` come from: typed at a terminal, in a line editor where there is one; else the lines of
// standard input.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "tools/input.hpp"
#include "tools/line_editor.hpp"

namespace krait::tools {

class Prompts {
  public:
    // Says at a terminal how it is used. interrupted: set by Ctrl-C (tools/interrupt.hpp). remember: what is typed goes into
    // krait/history in the state directory.
    Prompts(const std::atomic<bool>& interrupted, bool remember);

    bool are_typed() const { return are_typed_; }

    // The next one; false at the end.
    api::Result<bool> next(std::string& text);

  private:
    const std::atomic<bool>& interrupted_;
    const bool are_typed_;
    std::unique_ptr<LineEditor> editor_;  // null: the terminal hands out lines
    LineReader lines_;
};

}  // namespace krait::tools
