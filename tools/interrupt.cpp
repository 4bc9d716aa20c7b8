// SPDX-License-Identifier: Apache-2.0
#include "tools/interrupt.hpp"

#include <csignal>
#include <cstdlib>

#include "core/base/output_file.hpp"
#include "tools/command_line/command_line.hpp"

namespace krait::tools {
namespace {

std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler may touch nothing else

void on_interrupt(int) {
    if (!g_interrupted.exchange(true)) return;
    remove_partial_files();
    std::_Exit(kExitInterrupted);
}

void catch_signal(int signal) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) return;  // nohup, or a shell's background job
    struct sigaction action {};                // without SA_RESTART, so that it ends the wait for a line
    action.sa_handler = on_interrupt;
    sigaction(signal, &action, nullptr);
}

}  // namespace

std::atomic<bool>& catch_interrupt() {
    catch_signal(SIGINT);
    return g_interrupted;
}

bool is_interrupted() { return g_interrupted; }

std::atomic<bool>& catch_end() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) catch_signal(signal);
    return g_interrupted;
}

}  // namespace krait::tools
