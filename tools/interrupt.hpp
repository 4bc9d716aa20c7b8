// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C, and the signals that end a process politely (SIGTERM, SIGHUP), as a flag, so that a command can end in order: files
// removed, figures printed. A second one does not wait.
#pragma once

#include <atomic>

namespace krait::tools {

// From the first call on, these signals set the flag instead of ending the process. They also end a blocked read.
std::atomic<bool>& catch_interrupt();

}  // namespace krait::tools
