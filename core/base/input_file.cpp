// SPDX-License-Identifier: Apache-2.0
#include "core/base/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace krait {
namespace {

std::string errno_text(int code) { return std::generic_category().message(code); }

int open_read_only(const char* path) {
    int fd = -1;
    // O_NONBLOCK: a pipe in the file's place must not make us wait for its writer.
    do fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    return fd;
}

}  // namespace

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
    if (path.empty()) return fail(ErrorCode::invalid_argument, "the file name is empty");
    InputFile file;
    file.path_ = path;
    file.descriptor_ = open_read_only(path.c_str());
    if (file.descriptor_ < 0) {
        const int code = errno;
        const bool missing = code == ENOENT || code == ENOTDIR;
        return fail(missing ? ErrorCode::not_found : ErrorCode::io, "cannot open '{}': {}", path.string(), errno_text(code));
    }
    struct stat status {};
    if (::fstat(file.descriptor_, &status) != 0)
        return fail(ErrorCode::io, "cannot read the size of '{}': {}", path.string(), errno_text(errno));
    if (S_ISDIR(status.st_mode))
        return fail(ErrorCode::invalid_argument, "'{}' is a directory; name a file inside it", path.string());
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::invalid_argument, "'{}' is a pipe, a device or a socket; a regular file is needed",
                    path.string());
    if (status.st_size == 0) return fail(ErrorCode::corrupt_file, "'{}' is empty (0 bytes)", path.string());
    file.size_ = static_cast<uint64_t>(status.st_size);
    return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(std::exchange(other.size_, 0)), path_(std::move(other.path_)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, -1);
        size_ = std::exchange(other.size_, 0);
        path_ = std::move(other.path_);
    }
    return *this;
}

void InputFile::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

Result<void> InputFile::read(uint64_t offset, std::span<std::byte> bytes) const {
    constexpr size_t kLargest = size_t{1} << 30;  // Linux reads less than 2 GiB at a time
    for (uint64_t at = offset; !bytes.empty();) {
        const ssize_t n = ::pread(descriptor_, bytes.data(), std::min(bytes.size(), kLargest), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(ErrorCode::io, "'{}' cannot be read at byte {}: {}", path_.string(), at, errno_text(errno));
        if (n == 0)
            return fail(ErrorCode::io,
                        "'{}' ends before byte {}, and had {} bytes when it was opened: it was cut short while it was read",
                        path_.string(), at + 1, size_);
        bytes = bytes.subspan(static_cast<size_t>(n));
        at += static_cast<uint64_t>(n);
    }
    return {};
}

void InputFile::will_need(uint64_t offset, uint64_t size) const {
    (void)::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
}

}  // namespace krait
