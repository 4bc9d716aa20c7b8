// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "core/base/input_file.hpp"

namespace krait {
namespace {

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
    KRAIT_TRY(const InputFile file, InputFile::open(path));
    if (file.size() > SIZE_MAX)
        return fail(ErrorCode::unsupported, "'{}' has {} bytes, more than this system can map", path.string(), file.size());
    const auto size = static_cast<size_t>(file.size());
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (address == MAP_FAILED)
        return fail(ErrorCode::io, "cannot map '{}' ({} bytes): {}", path.string(), size,
                    std::generic_category().message(errno));

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
