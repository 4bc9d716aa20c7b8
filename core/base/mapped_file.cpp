// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace krait {
namespace {

std::string errno_text(int code) { return std::generic_category().message(code); }

struct FileDescriptor {
    explicit FileDescriptor(int value) : fd(value) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (fd >= 0) ::close(fd);
    }
    int fd;
};

int open_read_only(const char* path) {
    int fd = -1;
    // O_NONBLOCK: a pipe in the file's place must not make us wait for its writer.
    do fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int system_advice(MappedFile::Advice advice) {
    switch (advice) {
        case MappedFile::Advice::normal: return MADV_NORMAL;
        case MappedFile::Advice::sequential: return MADV_SEQUENTIAL;
        case MappedFile::Advice::random: return MADV_RANDOM;
        case MappedFile::Advice::will_need: return MADV_WILLNEED;
        case MappedFile::Advice::dont_need: return MADV_DONTNEED;
    }
    return MADV_NORMAL;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    if (path.empty()) return fail(ErrorCode::invalid_argument, "the file name is empty");
    const FileDescriptor file(open_read_only(path.c_str()));
    if (file.fd < 0) {
        const int code = errno;
        const bool missing = code == ENOENT || code == ENOTDIR;
        return fail(missing ? ErrorCode::not_found : ErrorCode::io, "cannot open '{}': {}", path.string(), errno_text(code));
    }
    struct stat status {};
    if (::fstat(file.fd, &status) != 0)
        return fail(ErrorCode::io, "cannot read the size of '{}': {}", path.string(), errno_text(errno));
    if (S_ISDIR(status.st_mode))
        return fail(ErrorCode::invalid_argument, "'{}' is a directory; name a file inside it", path.string());
    if (!S_ISREG(status.st_mode))
        return fail(ErrorCode::invalid_argument, "'{}' is a pipe, a device or a socket; a regular file is needed",
                    path.string());
    if (status.st_size == 0) return fail(ErrorCode::corrupt_file, "'{}' is empty (0 bytes)", path.string());

    if (static_cast<uint64_t>(status.st_size) > SIZE_MAX)
        return fail(ErrorCode::unsupported, "'{}' has {} bytes, more than this system can map", path.string(), status.st_size);
    const auto size = static_cast<size_t>(status.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
    if (address == MAP_FAILED)
        return fail(ErrorCode::io, "cannot map '{}' ({} bytes): {}", path.string(), size, errno_text(errno));

    MappedFile mapped;
    mapped.data_ = static_cast<const std::byte*>(address);
    mapped.size_ = size;
    mapped.path_ = path;
    return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    if (this != &other) {
        unmap();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        path_ = std::move(other.path_);
    }
    return *this;
}

MappedFile::~MappedFile() { unmap(); }

void MappedFile::unmap() noexcept {
    if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
    data_ = nullptr;
    size_ = 0;
}

void MappedFile::advise(Advice advice, std::span<const std::byte> part) const {
    if (!data_ || part.empty() || part.data() < data_ || part.data() + part.size() > data_ + size_) return;
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    auto begin = static_cast<size_t>(part.data() - data_);
    size_t end = begin + part.size();
    if (advice == Advice::dont_need) {
        // Pages at the edges also hold a neighbour's bytes; only the file's end owns its last page alone.
        begin = (begin + page - 1) / page * page;
        if (end != size_) end = end / page * page;
    } else {
        begin = begin / page * page;
    }
    if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, system_advice(advice));
}

}  // namespace krait
