// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C as a flag, so that a command can end in order: files removed, figures printed. A second Ctrl-C does not wait.
#pragma once

#include <atomic>

namespace krait::tools {

// From the first call on, SIGINT sets the flag instead of ending the process. It also ends a blocked read.
std::atomic<bool>& catch_interrupt();

}  // namespace krait::tools
