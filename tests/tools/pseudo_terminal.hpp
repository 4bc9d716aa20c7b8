// SPDX-License-Identifier: Apache-2.0
//
// `krait` at a terminal: a process on a pseudo-terminal, what is typed there and what it shows.
#pragma once

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/main/paths.hpp"

namespace krait::test {

class PseudoTerminal {
  public:
    // environment: variables to set, or to take away where the value is empty.
    PseudoTerminal(const std::vector<std::string>& arguments, unsigned short columns,
                   const std::vector<std::pair<std::string, std::string>>& environment = {}) {
        std::vector<char*> words{const_cast<char*>(kCommand)};
        for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
        words.push_back(nullptr);
        winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        child_ = forkpty(&terminal_, nullptr, nullptr, &size);
        if (child_ != 0) return;
        setenv("TERM", "xterm", 1);
        unsetenv("COLUMNS");
        for (const auto& [name, value] : environment)
            value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
        execv(kCommand, words.data());
        _exit(99);
    }
    ~PseudoTerminal() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        close(terminal_);
    }
    PseudoTerminal(const PseudoTerminal&) = delete;
    PseudoTerminal& operator=(const PseudoTerminal&) = delete;

    pid_t child() const { return child_; }
    int fd() const { return terminal_; }
    const std::string& seen() const { return seen_; }  // all that was shown

    void resize(unsigned short columns) const {
        const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        ioctl(terminal_, TIOCSWINSZ, &size);
    }

    // All of it, while what is shown is read, so that neither side waits for the other.
    void type(std::string_view keys) {
        while (!keys.empty()) {
            listen(0);
            const ssize_t n = ::write(terminal_, keys.data(), std::min<size_t>(keys.size(), 256));
            if (n < 0) return;
            keys.remove_prefix(static_cast<size_t>(n));
        }
    }

    // Until `text` was shown after what was waited for before; false where it is not, in a minute.
    bool wait_for(std::string_view text) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        for (size_t at; std::chrono::steady_clock::now() < end;) {
            if ((at = seen_.find(text, waited_)) != std::string::npos) {
                waited_ = at + text.size();
                return true;
            }
            if (!listen(100)) break;
        }
        return seen_.find(text, waited_) != std::string::npos;
    }

    // Until it has ended; its exit code, or minus the signal's number, or -1000 where it goes on for a minute.
    int exit_code() {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (listen(100) && std::chrono::steady_clock::now() < end) {
        }
        int status = 0;
        for (; std::chrono::steady_clock::now() < end; usleep(10000))
            if (waitpid(child_, &status, WNOHANG) == child_) {
                child_ = -1;
                return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            }
        return -1000;
    }

  private:
    // Reads what is there, or comes within so many milliseconds; false when the other side has closed the terminal.
    bool listen(int milliseconds) {
        pollfd wait{.fd = terminal_, .events = POLLIN, .revents = 0};
        for (std::array<char, 4096> block; poll(&wait, 1, milliseconds) > 0; milliseconds = 0) {
            const ssize_t n = ::read(terminal_, block.data(), block.size());
            if (n <= 0) return n < 0 && errno == EINTR;
            seen_.append(block.data(), static_cast<size_t>(n));
        }
        return true;
    }

    int terminal_ = -1;
    pid_t child_ = -1;
    std::string seen_;
    size_t waited_ = 0;
};

}  // namespace krait::test
