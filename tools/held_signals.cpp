// SPDX-License-Identifier: Apache-2.0
#include "tools/held_signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace krait::tools {
namespace {

int g_pipe[2] = {-1, -1};  // numbers of the signals that came, a byte each

void tell(int signal) {
    const int error = errno;
    const auto number = static_cast<unsigned char>(signal);
    (void)!::write(g_pipe[1], &number, 1);
    errno = error;
}

}  // namespace

HeldSignals::HeldSignals() {
    if (g_pipe[0] < 0 && pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;
    struct sigaction action {};
    action.sa_handler = tell;
    for (size_t i = 0; i < kSignals.size(); ++i) {
        sigaction(kSignals[i], nullptr, &before_[i]);
        if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
    }
}

HeldSignals::~HeldSignals() {
    if (g_pipe[0] < 0) return;
    for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    for (unsigned char number = 0; ::read(g_pipe[0], &number, 1) == 1;)  // signals that nobody asked for
        if (number != SIGINT) std::raise(number);
}

int HeldSignals::wait(int fd) const {
    for (;;) {
        std::array<pollfd, 2> both{pollfd{.fd = g_pipe[0], .events = POLLIN, .revents = 0},
                                   pollfd{.fd = fd, .events = POLLIN, .revents = 0}};
        if (poll(both.data(), both.size(), -1) < 0 && errno != EINTR) return 0;
        unsigned char number = 0;
        if (::read(g_pipe[0], &number, 1) == 1) return number;
        if (both[1].revents != 0) return 0;
    }
}

void HeldSignals::pass_on(int signal) const {
    for (size_t i = 0; i < kSignals.size(); ++i) {
        if (kSignals[i] != signal) continue;
        struct sigaction held {};
        sigaction(signal, &before_[i], &held);
        std::raise(signal);
        sigaction(signal, &held, nullptr);
    }
}

}  // namespace krait::tools
