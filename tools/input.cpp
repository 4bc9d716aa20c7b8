// SPDX-License-Identifier: Apache-2.0
#include "tools/input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "core/base/printable.hpp"
#include "core/base/scope_exit.hpp"

namespace krait::tools {
namespace {

// Appends what the next read gives; false at the end. A stream that another program has set to not block is waited for.
api::Result<bool> read_block(int fd, std::string_view name, const std::atomic<bool>* cancel, std::string& text) {
    std::array<char, size_t{1} << 16> block;
    for (;;) {
        const ssize_t n = ::read(fd, block.data(), block.size());
        if (n >= 0) {
            text.append(block.data(), static_cast<size_t>(n));
            return n > 0;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
            if (poll(&wait, 1, -1) >= 0) continue;
        }
        if (errno != EINTR) return failure(KRAIT_IO, "{} cannot be read: {}", name, std::generic_category().message(errno));
        if (cancel && *cancel) return failure(KRAIT_CANCELLED, "interrupted");
    }
}

api::Result<std::string> read_all(int fd, std::string_view name, const std::atomic<bool>* cancel) {
    std::string text;
    for (;;) {
        TOOLS_TRY(const bool more, read_block(fd, name, cancel, text));
        if (!more) return text;
        if (text.size() > kMaxTextBytes)
            return failure(KRAIT_INVALID_ARGUMENT, "{} holds more than {} bytes", name, kMaxTextBytes);
    }
}

}  // namespace

api::Result<std::string> read_text(const std::string& path, const std::atomic<bool>* cancel) {
    if (path == "-") return read_all(STDIN_FILENO, "standard input", cancel);
    if (std::error_code ec; std::filesystem::is_directory(path, ec))
        return failure(KRAIT_INVALID_ARGUMENT, "'{}' is a directory; name a file inside it", printable(path));
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failure(KRAIT_IO, "{} cannot be read: {}", printable(path), std::generic_category().message(errno));
    const ScopeExit close_it([fd] { close(fd); });
    return read_all(fd, printable(path), cancel);
}

api::Result<bool> LineReader::read(std::string& line, const std::atomic<bool>& cancel) {
    size_t end = ahead_.find('\n');
    while (end == std::string::npos && !ended_) {
        const size_t searched = ahead_.size();
        if (searched > kMaxTextBytes)
            return failure(KRAIT_INVALID_ARGUMENT, "a line of standard input holds more than {} bytes", kMaxTextBytes);
        TOOLS_TRY(const bool more, read_block(STDIN_FILENO, "standard input", &cancel, ahead_));
        ended_ = !more;
        end = ahead_.find('\n', searched);
    }
    if (ended_ && ahead_.empty()) return false;
    line = ahead_.substr(0, end);
    ahead_.erase(0, end == std::string::npos ? end : end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return true;
}

}  // namespace krait::tools
