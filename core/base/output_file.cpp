// SPDX-License-Identifier: Apache-2.0
#include "core/base/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace krait {
namespace {

std::string errno_text(int code) { return std::generic_category().message(code); }

// Only regular files, and names that do not exist yet, can be replaced by renaming.
Result<std::filesystem::path> resolve_target(const std::filesystem::path& target) {
    if (target.empty() || !target.has_filename())
        return fail(ErrorCode::invalid_argument, "cannot write '{}': that is no file name", target.string());
    std::error_code code;
    std::filesystem::path resolved =
        std::filesystem::is_symlink(target, code) ? std::filesystem::weakly_canonical(target, code) : target;
    if (code || resolved.empty()) resolved = target;
    const auto type = std::filesystem::status(resolved, code).type();
    if (type == std::filesystem::file_type::directory)
        return fail(ErrorCode::invalid_argument, "cannot write '{}': it is a directory", target.string());
    if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::not_found)
        return fail(ErrorCode::invalid_argument, "cannot write '{}': {}", target.string(),
                    type == std::filesystem::file_type::none ? code.message() : "it is no regular file");
    return resolved;
}

// Names of the temporary files, for remove_partial_files(). Whoever takes a name out of its slot owns it, so that a handler never
// reads what another thread has freed. A handler cannot free it, since malloc may be what it interrupted: it puts the name
// into g_removed, where nothing is lost.
constexpr int kSlots = 64;
std::atomic<char*> g_partial[kSlots], g_removed[kSlots];
static_assert(std::atomic<char*>::is_always_lock_free);

int take_slot(const std::filesystem::path& temporary) {
    char* name = ::strdup(temporary.c_str());
    for (int slot = 0; name && slot < kSlots; ++slot) {
        char* none = nullptr;
        if (g_partial[slot].compare_exchange_strong(none, name)) return slot;
    }
    std::free(name);
    return -1;
}
void free_slot(int slot) {
    if (slot < 0) return;
    std::free(g_partial[slot].exchange(nullptr));
    std::free(g_removed[slot].exchange(nullptr));
}

}  // namespace

void remove_partial_files() noexcept {
    for (int slot = 0; slot < kSlots; ++slot)
        if (char* name = g_partial[slot].exchange(nullptr)) {
            ::unlink(name);
            g_removed[slot].store(name);
        }
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& target) {
    OutputFile output;
    KRAIT_TRY(output.target_, resolve_target(target));
    // Unique among processes by the process id, within one by the counter.
    static std::atomic<uint32_t> counter{0};
    int fd = -1;
    std::filesystem::path temporary;
    do {
        temporary = output.target_;
        temporary += fmt::format(".{}-{}.partial", ::getpid(), counter.fetch_add(1));
        free_slot(output.slot_);
        output.slot_ = take_slot(temporary);  // before there is a file: a signal right behind open() finds its name
        fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && (errno == EEXIST || errno == EINTR));
    if (fd < 0) {
        const int code = errno;
        free_slot(std::exchange(output.slot_, -1));
        return fail(ErrorCode::io, "cannot create '{}': {}", temporary.string(), errno_text(code));
    }
    output.temporary_ = std::move(temporary);
    output.file_.reset(::fdopen(fd, "wb"));
    if (!output.file_) {
        const int code = errno;
        ::close(fd);
        return fail(ErrorCode::io, "cannot write '{}': {}", target.string(), errno_text(code));
    }
    return output;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      slot_(std::exchange(other.slot_, -1)),
      file_(std::move(other.file_)),
      position_(other.position_) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
    if (this == &other) return *this;
    discard();
    target_ = std::move(other.target_);
    temporary_ = std::exchange(other.temporary_, {});
    slot_ = std::exchange(other.slot_, -1);
    file_ = std::move(other.file_);
    position_ = other.position_;
    return *this;
}

void OutputFile::discard() noexcept {
    file_.reset();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
    free_slot(std::exchange(slot_, -1));
}

tl::unexpected<Error> OutputFile::failure(const char* doing, int code) {
    auto error = fail(ErrorCode::io, "cannot {} '{}' (at byte {}): {}", doing, target_.string(), position_, errno_text(code));
    discard();
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
    if (offset != position_ && ::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) return failure("write", errno);
    position_ = offset;
    return write(bytes);
}

Result<void> OutputFile::finish() {
    if (!file_) return fail(ErrorCode::invalid_argument, "'{}' is finished or has failed", target_.string());
    // A full disk may come to light as late as here: when buffers are flushed, reach the disk, or the file closes.
    if (std::fflush(file_.get()) != 0) return failure("write", errno);
    if (::fsync(::fileno(file_.get())) != 0 && errno != EINVAL && errno != ENOTSUP) return failure("write", errno);
    if (std::fclose(file_.release()) != 0) return failure("close", errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return failure("put into its place", errno);
    temporary_.clear();
    free_slot(std::exchange(slot_, -1));
    return {};
}

Result<void> refuse_overwrite(const std::filesystem::path& target, std::span<const std::filesystem::path> inputs) {
    std::error_code ignored;
    for (const std::filesystem::path& input : inputs)
        if (!input.empty() && std::filesystem::equivalent(input, target, ignored))
            return fail(ErrorCode::invalid_argument, "{} is read and would be overwritten; name another file to write to",
                        target.string());
    return {};
}

}  // namespace krait
