// SPDX-License-Identifier: Apache-2.0
//
// A file whose bytes are tensors: mapped, read piece by piece, or borrowed from memory. All three are read in the same way.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/base/input_file.hpp"
#include "core/base/mapped_file.hpp"

namespace krait {

enum class FileAccess : uint8_t {
    mapped,  // the file is mapped as long as the object lives: bytes are there when they are touched
    read,    // bytes are read when they are asked for, into memory of the caller
};

class DataFile {
  public:
    // Fails as MappedFile and InputFile do.
    static Result<DataFile> open(const std::filesystem::path& path, FileAccess access);
    // The bytes must outlive the object; name stands for the file in messages.
    static DataFile borrow(std::span<const std::byte> bytes, std::string name);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] uint64_t size() const { return size_; }
    [[nodiscard]] bool is_read() const { return input_.is_open(); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }  // all of them; none where the file is read

    // As many bytes as `out` has, from byte `offset` of the file on, which lie inside it. An error where the file cannot be
    // read any more.
    Result<void> read(uint64_t offset, std::span<std::byte> out) const;

    // Hints to the system; nothing where there is nothing to hint at.
    void will_need(uint64_t offset, uint64_t size) const;
    void advise(MappedFile::Advice advice, std::span<const std::byte> part) const { mapping_.advise(advice, part); }
    void release_pages() const { mapping_.advise(MappedFile::Advice::dont_need); }

  private:
    std::string name_;
    uint64_t size_ = 0;
    std::span<const std::byte> bytes_;
    MappedFile mapping_;
    InputFile input_;
};

}  // namespace krait
