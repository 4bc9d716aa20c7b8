// SPDX-License-Identifier: Apache-2.0
//
// Prompts that were typed before, as libedit keeps them, and their file: one that it reads and writes too, for its owner alone.
// Each prompt is appended when it is entered, and a file that grew long is replaced in one step, under a lock: so two terminals
// do not take each other's away. A file that cannot be read or written is no error:
// prompts are then remembered while the process lives.
#pragma once

#include <histedit.h>

#include <filesystem>
#include <optional>
#include <string>

namespace krait::tools {

class PromptHistory {
  public:
    explicit PromptHistory(const std::optional<std::filesystem::path>& file);
    ~PromptHistory() { history_wend(history_); }
    PromptHistory(const PromptHistory&) = delete;
    PromptHistory& operator=(const PromptHistory&) = delete;

    void add(const std::wstring& prompt);

    HistoryW* get() const { return history_; }

  private:
    static constexpr int kMaxPrompts = 1000;
    static constexpr size_t kMaxKept = 1 << 16;  // characters of a prompt: a whole book need not be kept

    void append_to_file(const std::wstring& prompt) const;

    HistoryW* history_ = history_winit();
    std::filesystem::path file_;  // empty = in memory alone
};

}  // namespace krait::tools
