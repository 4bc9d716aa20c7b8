// SPDX-License-Identifier: Apache-2.0
//
// A file mapped into memory, read-only. Pages come in when they are touched, so a model of many gigabytes opens at
// once. The mapping ends with the object; spans from bytes() must not outlive it. Moving keeps their addresses.
// A file that another process cuts short while it is mapped is lost: touching the missing pages kills the process
// (input_file.hpp reads without that).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "core/base/result.hpp"

namespace krait {

class MappedFile {
  public:
    enum class Advice {
        normal,      // what the system does by itself
        sequential,  // read far ahead, forget soon
        random,      // read nothing ahead
        will_need,   // begin reading now
        dont_need,   // drop the pages from this process; they come back from the file when touched
    };

    // Fails as InputFile::open does, and where the system cannot map it.
    static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile() = default;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    // Hints, for the whole file or for the pages that hold part of it (dont_need: that lie wholly inside the part).
    // A hint that the system ignores is no error.
    void advise(Advice advice) const { advise(advice, bytes()); }
    void advise(Advice advice, std::span<const std::byte> part) const;

  private:
    void unmap() noexcept;

    const std::byte* data_ = nullptr;
    size_t size_ = 0;
    std::filesystem::path path_;
};

}  // namespace krait
