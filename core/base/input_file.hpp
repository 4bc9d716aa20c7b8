// SPDX-License-Identifier: Apache-2.0
//
// A regular file, open for reading. Bytes are read where and when they are asked for, so a file that another process cuts short
// meanwhile is an error and no more; a mapped one (mapped_file.hpp) kills the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/base/result.hpp"

namespace krait {

class InputFile {
  public:
    // Fails for a missing file, a directory or other special file, an empty file, and where the system refuses.
    static Result<InputFile> open(const std::filesystem::path& path);

    InputFile() = default;  // not open
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&& other) noexcept;
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile() { close(); }

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    [[nodiscard]] uint64_t size() const { return size_; }  // when it was opened
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }

    // All of `bytes`, from byte `offset` of the file on. Any thread.
    Result<void> read(uint64_t offset, std::span<std::byte> bytes) const;
    // A hint: these will be read soon.
    void will_need(uint64_t offset, uint64_t size) const;

  private:
    void close() noexcept;

    int descriptor_ = -1;
    uint64_t size_ = 0;
    std::filesystem::path path_;
};

}  // namespace krait
