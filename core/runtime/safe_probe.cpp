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

constexpr auto kLongest = std::chrono::seconds(60);  // drivers take some seconds to start
constexpr int kCameToItsEnd = 113;                   // what no plugin that ends the process would say

[[noreturn]] void ask_and_exit(const std::filesystem::path& path, const krait_host& host) {
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
    _exit(kCameToItsEnd);
}

}  // namespace

std::optional<std::string> probe_in_child(const std::filesystem::path& path, const krait_host& host) {
    const pid_t child = fork();
    if (child < 0) return fmt::format("no child process could be started to try it in: {}", std::strerror(errno));
    if (child == 0) ask_and_exit(path, host);
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
    if (WEXITSTATUS(status) != kCameToItsEnd)
        return fmt::format("it ended the child process in which it was tried, with status {}", WEXITSTATUS(status));
    return std::nullopt;
}

}  // namespace krait
