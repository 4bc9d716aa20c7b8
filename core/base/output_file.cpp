// SPDX-License-Identifier: Apache-2.0
#include "core/base/output_file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "core/base/format_bytes.hpp"

namespace krait {
namespace fs = std::filesystem;
namespace {

std::string errno_text(int code) { return std::generic_category().message(code); }

// Gives a new file the owner, group and permissions of the old one.
bool take_over_rights(int fd, const struct stat& old) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return false;
    const bool same_owner = status.st_uid == old.st_uid && status.st_gid == old.st_gid;
    if (!same_owner && ::fchown(fd, old.st_uid, old.st_gid) != 0) return false;
    return ::fchmod(fd, old.st_mode & 07777) == 0;
}

// Makes room for `more` bytes behind what a file holds, so that a full disk comes to light before the first byte is written
// over. Where a file system cannot do that, it is found out later.
int make_room(int fd, off_t size, off_t more) {
#if defined(__linux__)
    if (more <= 0 || ::fallocate(fd, 0, size, more) == 0) return 0;
    if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG) return 0;
    const int code = errno;
    return ::ftruncate(fd, size) == 0 ? code : errno;
#else
    (void)fd, (void)size, (void)more;
    return 0;
#endif
}

// All bytes of a file, to where another one stands.
int copy_bytes(int from, int to) {
    std::vector<char> block(size_t{1} << 20);
    for (off_t offset = 0;;) {
        const ssize_t n_read = ::pread(from, block.data(), block.size(), offset);
        if (n_read == 0) return 0;
        if (n_read < 0 && errno == EINTR) continue;
        if (n_read < 0) return errno;
        for (ssize_t done = 0; done < n_read;) {
            const ssize_t n = ::write(to, block.data() + done, static_cast<size_t>(n_read - done));
            if (n < 0 && errno != EINTR) return errno;
            done += std::max<ssize_t>(n, 0);
        }
        offset += n_read;
    }
}

bool reaches_disk(int fd) { return ::fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS; }

}  // namespace

Result<OutputFile> OutputFile::create(const fs::path& target, Order order) {
    KRAIT_TRY(const OutputTarget resolved, OutputTarget::resolve(target));
    OutputFile output;
    output.target_ = target;
    output.place_ = resolved.place;
    if (resolved.kind == OutputTarget::Kind::stream) {
        KRAIT_CHECK(output.open_stream(resolved, order));
    } else {
        KRAIT_CHECK(output.open_file(resolved));
    }
    return output;
}

Result<void> OutputFile::check(const fs::path& target) {
    KRAIT_TRY(const OutputTarget resolved, OutputTarget::resolve(target));
    // To open a named pipe and close it would end its reader's input.
    if (resolved.kind == OutputTarget::Kind::stream) return {};
    KRAIT_CHECK(create(target));
    return {};
}

Result<void> OutputFile::open_file(const OutputTarget& target) {
    const bool is_new = target.kind == OutputTarget::Kind::missing;
    FileDescriptor old;
    if (!is_new) {
        KRAIT_TRY(old, target.open(target_));
    }
    FileDescriptor bytes;
    if (is_new || target.status.st_nlink == 1) bytes = partial_.create(place_, is_new ? 0666 : 0600);
    if (!bytes && is_new) return fail(ErrorCode::io, "cannot write '{}': {}", target_.string(), errno_text(errno));
    if (!is_new && (!bytes || !take_over_rights(bytes.get(), target.status))) {
        partial_.remove();
        KRAIT_TRY(bytes, create_waiting());
        destination_ = std::move(old);
        is_overwritten_ = true;
    }
    file_.reset(::fdopen(bytes.get(), "wb"));
    if (!file_) return failure("write", errno);
    bytes.release();
    return {};
}

Result<void> OutputFile::open_stream(const OutputTarget& target, Order order) {
    KRAIT_TRY(FileDescriptor bytes, target.open(target_));
    is_stream_ = order == Order::sequential;
    if (!is_stream_) {
        destination_ = std::move(bytes);
        KRAIT_TRY(bytes, create_waiting());
    }
    file_.reset(::fdopen(bytes.get(), "wb"));
    if (!file_) return failure("write", errno);
    bytes.release();
    return {};
}

// A file without a name, for bytes that finish() will copy.
Result<FileDescriptor> OutputFile::create_waiting() const {
    std::error_code code;
    const fs::path folder = fs::temp_directory_path(code);
    std::string name = ((code ? fs::path("/tmp") : folder) / "krait-XXXXXX").string();
    FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
    if (!file)
        return fail(ErrorCode::io,
                    "cannot write '{}': its bytes have to wait elsewhere, and no temporary file can be made there ({}): {}",
                    target_.string(), name, errno_text(errno));
    ::unlink(name.c_str());
    return file;
}

tl::unexpected<Error> OutputFile::failure(std::string_view doing, int code) {
    auto error =
        fail(ErrorCode::unavailable, "cannot {} '{}' (at byte {}{}): {}", doing, target_.string(), position_,
             destination_ ? "; bytes wait in the folder of temporary files until all are there" : "", errno_text(code));
    file_.reset();
    destination_.close();
    partial_.remove();
    return error;
}

Result<void> OutputFile::write(std::span<const std::byte> bytes) {
    if (!file_) return fail(ErrorCode::invalid_argument, "'{}' is finished or has failed", target_.string());
    if (bytes.empty()) return {};
    errno = 0;
    const size_t written = std::fwrite(bytes.data(), 1, bytes.size(), file_.get());
    position_ += written;
    if (written != bytes.size()) return failure("write", errno);
    return {};
}

Result<void> OutputFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
    if (!file_) return fail(ErrorCode::invalid_argument, "'{}' is finished or has failed", target_.string());
    if (is_stream_) {
        if (offset < position_) return failure("go back in", ESPIPE);
        static constexpr std::byte kZeros[4096] = {};
        while (position_ < offset)
            KRAIT_CHECK(write(std::span(kZeros).first(std::min<uint64_t>(offset - position_, sizeof kZeros))));
    }
    if (offset != position_ && ::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) return failure("write", errno);
    position_ = offset;
    return write(bytes);
}

Result<void> OutputFile::check_room(uint64_t bytes) {
    if (!file_ || is_stream_) return {};
    struct stat status {};
    struct statvfs disk {};
    const int fd = ::fileno(file_.get());
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || ::fstatvfs(fd, &disk) != 0 || disk.f_blocks == 0) return {};
    const uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
    if (bytes <= room) return {};
    auto error = fail(ErrorCode::unavailable, "cannot write '{}': {} are needed, and the disk has {} left", target_.string(),
                      format_bytes(static_cast<double>(bytes)), format_bytes(static_cast<double>(room)));
    file_.reset();
    destination_.close();
    partial_.remove();
    return error;
}

Result<void> OutputFile::copy_to_destination() {
    const int from = ::fileno(file_.get()), to = destination_.get();
    if (!is_overwritten_) {
        if (const int code = copy_bytes(from, to)) return failure("write", code);
        if (!reaches_disk(to)) return failure("write", errno);
        return {};
    }
    struct stat bytes {
    }, old{};
    if (::fstat(from, &bytes) != 0 || ::fstat(to, &old) != 0) return failure("write", errno);
    if (const int code = make_room(to, old.st_size, bytes.st_size - old.st_size)) return failure("write", code);
    int code = copy_bytes(from, to);
    if (code == 0 && (::ftruncate(to, bytes.st_size) != 0 || !reaches_disk(to))) code = errno;
    if (code != 0) return failure("write all of", code);
    return {};
}

Result<void> OutputFile::finish() {
    if (!file_) return fail(ErrorCode::invalid_argument, "'{}' is finished or has failed", target_.string());
    // A full disk may come to light as late as here: when buffers are flushed, reach the disk, or the file closes.
    if (std::fflush(file_.get()) != 0) return failure("write", errno);
    if (destination_) {
        KRAIT_CHECK(copy_to_destination());
        file_.reset();
        if (::close(destination_.release()) != 0) return failure("close", errno);
        return {};
    }
    if (!reaches_disk(::fileno(file_.get()))) return failure("write", errno);
    if (std::fclose(file_.release()) != 0) return failure("close", errno);
    if (partial_.exists() && !partial_.rename_to(place_)) return failure("put into its place", errno);
    return {};
}

Result<void> write_file(const fs::path& target, std::string_view text) {
    KRAIT_TRY(OutputFile file, OutputFile::create(target));
    KRAIT_CHECK(file.write(std::as_bytes(std::span(text))));
    return file.finish();
}

Result<void> refuse_overwrite(const fs::path& target, std::span<const fs::path> inputs) {
    std::error_code ignored;
    if (!fs::is_regular_file(target, ignored)) return {};
    const fs::path real_folder = fs::canonical(target, ignored).parent_path(),
                   folder = fs::absolute(target, ignored).parent_path();
    for (const fs::path& input : inputs) {
        if (input.empty()) continue;
        if (fs::is_directory(input, ignored) &&
            (fs::equivalent(input, folder, ignored) || fs::equivalent(input, real_folder, ignored)))
            return fail(ErrorCode::invalid_argument,
                        "{} is a file of the folder {}, which is read; name another file to write to", target.string(),
                        input.string());
        if (fs::equivalent(input, target, ignored))
            return fail(ErrorCode::invalid_argument, "{} is read and would be overwritten; name another file to write to",
                        target.string());
    }
    return {};
}

}  // namespace krait
