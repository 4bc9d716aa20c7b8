// SPDX-License-Identifier: Apache-2.0
#include "tools/prompts.hpp"

#include <unistd.h>

#include "core/base/environment.hpp"
#include "tools/output.hpp"

namespace krait::tools {

// Lines of a terminal in its usual mode are cut here, without a word from it (N_TTY_BUF_SIZE of Linux, less the newline).
constexpr size_t kMaxTerminalLine = 4095;

Prompts::Prompts(std::atomic<bool>& interrupted, bool remember, const PromptsHelp& help)
    : interrupted_(interrupted), are_typed_(isatty(STDIN_FILENO) == 1) {
    if (!are_typed_) return;
    std::optional<std::filesystem::path> history;
    if (remember) history = environment::state_directory();
    if (history) *history /= "history";
    editor_ = open_line_editor(history);
    print_error("{}", editor_ ? help.edited : help.lines);
}

api::Result<bool> Prompts::next(std::string& text) {
    if (are_typed_) interrupted_ = false;
    TOOLS_TRY(const bool is_there, read(text));
    if (are_typed_) interrupted_ = false;
    return is_there;
}

api::Result<bool> Prompts::read(std::string& text) {
    if (!are_typed_) return lines_.read(text, interrupted_);
    if (editor_) {
        print_error("\n");
        return editor_->read(text);
    }
    print_error("\n> ");
    TOOLS_TRY(const bool is_there, lines_.read(text, interrupted_));
    if (text.size() >= kMaxTerminalLine)
        print_error("krait: a terminal hands out lines of at most {} bytes; the end of this one may be lost. -f reads a file\n",
                    kMaxTerminalLine);
    return is_there;
}

}  // namespace krait::tools
