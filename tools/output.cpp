// SPDX-License-Identifier: Apache-2.0
#include "tools/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <mutex>
#include <string>
#include <system_error>

#include "core/base/output_file.hpp"
#include "core/base/printable.hpp"
#include "tools/error.hpp"

namespace krait::tools {
namespace {

bool g_pipe_kills = false;  // SIGPIPE would end this process, had prepare_standard_streams not been called

// All of it, or the error's number. A stream that another program has set to not block is waited for.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n >= 0) {
            text.remove_prefix(static_cast<size_t>(n));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

// As a command ends whose reader has gone: by the signal, without a word.
void end_by_broken_pipe() {
    remove_partial_files();
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
}

class StandardOutput {
  public:
    void add(std::string_view text) {
        const std::lock_guard lock(mutex_);
        if (error_ != 0) return;
        waiting_ += text;
        if (is_terminal_ || waiting_.size() >= kBlock) flush();
    }
    int error() {
        const std::lock_guard lock(mutex_);
        flush();
        return error_;
    }
    bool is_terminal() const { return is_terminal_; }

    bool is_told = false;

  private:
    static constexpr size_t kBlock = size_t{1} << 16;

    void flush() {
        if (error_ == 0) error_ = write_all(STDOUT_FILENO, waiting_);
        waiting_.clear();
        if (error_ == EPIPE && g_pipe_kills) end_by_broken_pipe();
    }

    std::mutex mutex_;
    std::string waiting_;
    int error_ = 0;  // of the first write that failed; nothing is written after it
    bool is_terminal_ = isatty(STDOUT_FILENO) == 1;
};

StandardOutput& standard_output() {
    static StandardOutput output;
    return output;
}

std::string reason(int error) {
    return fmt::format("standard output cannot be written: {}", std::generic_category().message(error));
}

bool is_standard_output(const std::string& path) {
    struct stat named {
    }, output{};
    return stat(path.c_str(), &named) == 0 && fstat(STDOUT_FILENO, &output) == 0 && named.st_dev == output.st_dev &&
           named.st_ino == output.st_ino;
}

}  // namespace

void prepare_standard_streams() {
    // Each opened the wrong way round: a read from 0 and a write to 1 or 2 is then an error, as it is where they are closed.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    // Widths of characters (wcwidth) are known in a locale of UTF-8 alone, and all texts here are UTF-8.
    if (!std::setlocale(LC_CTYPE, "C.UTF-8")) (void)std::setlocale(LC_CTYPE, "");
    struct sigaction before {};
    sigaction(SIGPIPE, nullptr, &before);
    g_pipe_kills = before.sa_handler == SIG_DFL;
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

void print_args(fmt::string_view text, fmt::format_args values) {
    standard_output().add(printable_text(fmt::vformat(text, values)));
}

void print_error_args(fmt::string_view text, fmt::format_args values) {
    (void)standard_output().error();  // what came before it is shown before it
    (void)write_all(STDERR_FILENO, printable_text(fmt::vformat(text, values)));
}

ResultReport::ResultReport(const std::string& result_path) : to_errors_(is_standard_output(result_path)) {}

void write_text(std::string_view text) {
    StandardOutput& output = standard_output();
    if (output.is_terminal()) output.add(printable_text(text));
    else output.add(text);
}

bool output_is_terminal() { return standard_output().is_terminal(); }

api::Status flush_output() {
    StandardOutput& output = standard_output();
    const int error = output.error();
    if (error == 0) return api::Done{};
    output.is_told = true;
    return api::Failure{KRAIT_UNAVAILABLE, reason(error)};
}

void draw(std::string_view frame) { (void)write_all(STDERR_FILENO, frame); }

api::Status check_target(const std::string& target, std::initializer_list<std::string> inputs) {
    const std::vector<std::filesystem::path> paths(inputs.begin(), inputs.end());
    if (auto checked = refuse_overwrite(target, paths); !checked) return failure_of(std::move(checked).error());
    return api::Done{};
}

int finish_output(int exit_code) {
    StandardOutput& output = standard_output();
    int error = output.error();
    // A file on another machine may tell only when it is closed that its disk is full; a terminal or pipe has nothing to tell.
    if (error == 0 && close(dup(STDOUT_FILENO)) != 0 && errno != EBADF) error = errno;
    if (error == 0) return exit_code;
    if (!output.is_told) print_error("krait: {}\n", reason(error));
    return exit_code == 0 ? 1 : exit_code;
}

}  // namespace krait::tools
