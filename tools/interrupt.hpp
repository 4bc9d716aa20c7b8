// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C as a flag, so that a command can end in order: files removed, figures printed. A second one does not wait, and only
// removes what is half written.
#pragma once

#include <atomic>

namespace krait::tools {

// From the first call on, SIGINT sets the flag instead of ending the process. It also ends a blocked read. A signal that was
// ignored before stays ignored.
std::atomic<bool>& catch_interrupt();

// The same for the signals that end a process politely too (SIGTERM, SIGHUP): for commands that write files.
std::atomic<bool>& catch_end();

// Whether a signal has come since then.
bool is_interrupted();

}  // namespace krait::tools
