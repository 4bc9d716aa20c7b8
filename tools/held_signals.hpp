// SPDX-License-Identifier: Apache-2.0
//
// Signals that arrive while a terminal has modes of its own: they wait until they are asked for, so that its old modes are set
// before anything ends or stops. Any thread may be the one that a signal interrupts, so a pipe tells of it.
#pragma once

#include <array>
#include <csignal>

namespace krait::tools {

class HeldSignals {
  public:
    HeldSignals();
    // Each signal does again what it did before. One that nobody asked for does it now; but a SIGINT is dropped, as the line
    // that it would have cleared is over.
    ~HeldSignals();
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

    // Waits until fd can be read: 0; or until one of the signals has come: its number.
    int wait(int fd) const;

    // Lets a signal do what it did before: most end the process, SIGTSTP stops it until it is continued.
    void pass_on(int signal) const;

  private:
    static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

    std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace krait::tools
