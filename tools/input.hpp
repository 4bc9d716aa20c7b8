// SPDX-License-Identifier: Apache-2.0
//
// Text that a command reads, from a file or from standard input: whole, or line by line. An error while reading is an error,
// and not the end of the text.
#pragma once

#include <atomic>
#include <string>

#include "tools/result.hpp"

namespace krait::tools {

inline constexpr size_t kMaxTextBytes = size_t{682} << 20;  // Tokenizer::encode's own limit

// A whole file, or standard input for "-". Where `cancel` is set while it waits, the error is `cancelled`.
api::Result<std::string> read_text(const std::string& path, const std::atomic<bool>* cancel = nullptr);

// Standard input, line by line. One reader at a time: it reads ahead.
class LineReader {
  public:
    // The next line without its "\n" or "\r\n"; false at the end of the input. The last line may lack its end. Where `cancel`
    // is set while it waits, the error is `cancelled`: the signal that sets it ends the wait (tools/interrupt.hpp).
    api::Result<bool> read(std::string& line, const std::atomic<bool>& cancel);

  private:
    std::string ahead_;
    bool ended_ = false;
};

}  // namespace krait::tools
