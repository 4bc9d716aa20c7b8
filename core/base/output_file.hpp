// SPDX-License-Identifier: Apache-2.0
//
// A file that appears whole or not at all. Bytes go to a temporary file beside the target; finish() puts it in the target's place
// in one step. Without a successful finish() the temporary is removed and the target is as it was; the same after an error of
// the disk, and then the file accepts nothing more.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>

#include "core/base/result.hpp"

namespace krait {

class OutputFile {
  public:
    // Fails where no file can be made beside the target, or where the target is a directory or another special file. A link stays
    // a link: what it points to is replaced.
    static Result<OutputFile> create(const std::filesystem::path& target);

    OutputFile() = default;  // not open
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&& other) noexcept;
    ~OutputFile() { discard(); }

    Result<void> write(std::span<const std::byte> bytes);  // at the end of what was written
    // Anywhere; what lies between and was never written is zero. position() becomes the end of these bytes.
    Result<void> write_at(uint64_t offset, std::span<const std::byte> bytes);

    // Flushes to the disk and renames. Nothing may follow.
    Result<void> finish();

    [[nodiscard]] bool is_open() const { return file_ != nullptr; }
    [[nodiscard]] uint64_t position() const { return position_; }  // after finish(): the size, where write() alone was used
    [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    tl::unexpected<Error> failure(const char* doing, int code);
    void discard() noexcept;

    std::filesystem::path target_;
    std::filesystem::path temporary_;  // empty when there is none to remove
    int slot_ = -1;                    // of what remove_partial_files() looks at
    std::unique_ptr<std::FILE, Close> file_;
    uint64_t position_ = 0;
};

// Removes the temporary files of this process, for a signal handler that ends it: calls nothing that such a handler may not call.
// Writing must not go on afterwards. (Of more than 64 files that are open at a time the others stay.)
void remove_partial_files() noexcept;

// Fails where `target` is one of the files that are read, by whatever path: it would be lost. Empty names and "-" are no files.
Result<void> refuse_overwrite(const std::filesystem::path& target, std::span<const std::filesystem::path> inputs);
inline Result<void> refuse_overwrite(const std::filesystem::path& target, std::initializer_list<std::filesystem::path> inputs) {
    return refuse_overwrite(target, std::span(inputs.begin(), inputs.size()));
}

}  // namespace krait
