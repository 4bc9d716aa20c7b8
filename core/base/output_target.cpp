// SPDX-License-Identifier: Apache-2.0
#include "core/base/output_target.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace krait {
namespace fs = std::filesystem;
namespace {

// "/proc/self/fd/1" is a link, but to write through it means to write to the descriptor: the file behind it may have no name
// any more, and it has a position.
std::optional<int> descriptor_named(const fs::path& path) {
    std::error_code code;
    const fs::path own = fs::canonical("/proc/self/fd", code);
    if (code || fs::canonical(path.parent_path(), code) != own || code) return std::nullopt;
    const std::string name = path.filename();
    int descriptor = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), descriptor);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return descriptor;
}

}  // namespace

Result<OutputTarget> OutputTarget::resolve(const fs::path& path) {
    const auto refuse = [&](ErrorCode code, const std::string& why) {
        return fail(code, "cannot write '{}': {}", path.string(), why);
    };
    const auto refuse_errno = [&](int code) { return refuse(ErrorCode::io, std::generic_category().message(code)); };
    if (path.empty() || !path.has_filename()) return refuse(ErrorCode::invalid_argument, "that is no file name");
    OutputTarget target;
    target.place = path;
    constexpr int kMaxLinks = 40;  // Linux follows as many
    for (int n_link = 0; n_link <= kMaxLinks; ++n_link) {
        if (::lstat(target.place.c_str(), &target.status) != 0) {
            if (errno != ENOENT) return refuse_errno(errno);
            if (n_link > 0)
                return refuse(ErrorCode::io,
                              fmt::format("it is a link to '{}', which is not there; Krait does not write through "
                                          "links that point nowhere",
                                          target.place.string()));
            return target;
        }
        if (!S_ISLNK(target.status.st_mode)) {
            if (S_ISDIR(target.status.st_mode)) return refuse(ErrorCode::invalid_argument, "it is a directory");
            target.kind = S_ISREG(target.status.st_mode) ? Kind::file : Kind::stream;
            return target;
        }
        if ((target.descriptor = descriptor_named(target.place))) {
            target.kind = Kind::stream;
            return target;
        }
        std::error_code code;
        const fs::path next = fs::read_symlink(target.place, code);
        if (code) return refuse(ErrorCode::io, code.message());
        target.place = target.place.parent_path() / next;  // `next` alone where it begins at the root
    }
    return refuse_errno(ELOOP);
}

Result<FileDescriptor> OutputTarget::open(const fs::path& path) const {
    const int fd =
        descriptor ? ::fcntl(*descriptor, F_DUPFD_CLOEXEC, 0) : ::open(place.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) return FileDescriptor(fd);
    const int code = errno;
    return fail(code == EINTR ? ErrorCode::cancelled : ErrorCode::io, "cannot write '{}': {}", path.string(),
                std::generic_category().message(code));
}

}  // namespace krait
