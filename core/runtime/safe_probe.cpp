// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/safe_probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace krait {
namespace {

// An open file of this process.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }
    void close() {
        if (number_ >= 0) ::close(number_);
        number_ = -1;
    }

  private:
    int number_;
};

constexpr auto kLongest = std::chrono::seconds(60);  // drivers take some seconds to start

// done: where one byte says that it came to the end; a plugin may end the process too.
[[noreturn]] void ask_and_exit(const std::filesystem::path& path, const krait_host& host, int done) {
    // A crash handler of the application or of a sanitizer would report what is expected here.
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) std::signal(signal, SIG_DFL);
    if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    if (const auto loaded = Plugin::load(path, host)) {
        const krait_backend& api = (*loaded)->api();
        krait_error error = empty_plugin_error();
        if (api.score(&error) > 0) {
            const uint32_t count = api.device_count();
            for (uint32_t i = 0; i < count; ++i) {
                krait_device_info info{};
                info.struct_size = sizeof info;
                (void)api.device_info(i, &info, &error);
            }
        }
    }
    const char byte = 1;
    _exit(write(done, &byte, 1) == 1 ? 0 : 1);
}

}  // namespace

std::optional<std::string> probe_in_child(const std::filesystem::path& path, const krait_host& host) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fmt::format("no pipe could be had to try it: {}", std::strerror(errno));
    const Descriptor done(ends[0]);
    Descriptor their_end(ends[1]);
    const pid_t child = fork();
    if (child < 0) return fmt::format("no child process could be started to try it in: {}", std::strerror(errno));
    if (child == 0) ask_and_exit(path, host, their_end.get());
    their_end.close();
    const auto start = std::chrono::steady_clock::now();
    int status = 0;
    for (;;) {
        const pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) break;
        if (ended < 0 && errno != EINTR) return fmt::format("its child process was lost: {}", std::strerror(errno));
        if (std::chrono::steady_clock::now() - start > kLongest) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return fmt::format("it did not answer in a child process within {} seconds", kLongest.count());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (WIFSIGNALED(status))
        return fmt::format("it crashed when it was tried in a child process (signal {}: {})", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
    char byte = 0;
    if (WEXITSTATUS(status) != 0 || read(done.get(), &byte, 1) != 1)
        return fmt::format("it ended the child process in which it was tried, with status {}", WEXITSTATUS(status));
    return std::nullopt;
}

}  // namespace krait
