// SPDX-License-Identifier: Apache-2.0
//
// A file that appears whole or not at all. Bytes go to a temporary file beside the target; finish() puts it in the target's
// place in one step. Without a successful finish() the temporary is removed and the target is as it was; the same after an
// error of the disk, and then the file accepts nothing more. A file that is replaced keeps its permissions and its owner.
//
// Where that cannot be done, the target is written as cp writes it (output_target.hpp says what a path may name):
//   - a file whose folder takes no temporary, which has several names (hard links), or whose owner could not be kept, stays the
//     same file: its bytes wait in the system's folder for temporary files, and finish() copies them into it;
//   - a stream (a pipe, a device, /dev/stdout) gets its bytes as they come, or in finish() where their order is any. A
//     descriptor of a file is written on from where it stands, and nothing that the file holds is cut off.
// Errors name the target as it was given. They are ErrorCode::io where it cannot be opened, as with a wrong name, and
// ErrorCode::unavailable where it was opened and a write fails, as with a full disk.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/output_target.hpp"
#include "core/base/partial_file.hpp"

namespace krait {

class OutputFile {
  public:
    enum class Order { sequential, any };  // any: write_at() goes back
    static Result<OutputFile> create(const std::filesystem::path& target, Order order = Order::sequential);
    // Whether create() would succeed, as far as that can be told; for work that takes long before there is something to write.
    static Result<void> check(const std::filesystem::path& target);

    OutputFile() = default;  // not open

    Result<void> write(std::span<const std::byte> bytes);  // at the end of what was written
    // Anywhere, or with Order::sequential at the end and behind it; what lies between and was never written is zero. position()
    // becomes the end of these bytes.
    Result<void> write_at(uint64_t offset, std::span<const std::byte> bytes);

    // Fails, and removes what was written, where the disk that takes the bytes has less room than `bytes`; to be asked before
    // the first of them. Streams, and file systems that do not know, have room for everything.
    Result<void> check_room(uint64_t bytes);

    // Flushes to the disk and puts the bytes into their place. Nothing may follow.
    Result<void> finish();

    [[nodiscard]] bool is_open() const { return file_ != nullptr; }
    [[nodiscard]] uint64_t position() const { return position_; }  // after finish(): the size, where write() alone was used
    [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    Result<void> open_file(const OutputTarget& target);
    Result<void> open_stream(const OutputTarget& target, Order order);
    Result<FileDescriptor> create_waiting() const;
    Result<void> copy_to_destination();
    tl::unexpected<Error> failure(std::string_view doing, int code);

    std::filesystem::path target_;  // as it was given
    std::filesystem::path place_;   // what the partial file replaces
    PartialFile partial_;
    FileDescriptor destination_;  // what finish() copies the bytes to, where they wait elsewhere
    bool is_overwritten_ =
        false;                // the destination is a file that shall hold these bytes alone; else they go to where it stands
    bool is_stream_ = false;  // file_ is the stream itself
    std::unique_ptr<std::FILE, Close> file_;
    uint64_t position_ = 0;
};

// The whole of a file: create, write and finish.
Result<void> write_file(const std::filesystem::path& target, std::string_view text);

// Fails where `target` is one of the files that are read, or a file that is there in a folder which is read, by whatever path:
// it would be lost. Empty names, "-", pipes and devices are no files.
Result<void> refuse_overwrite(const std::filesystem::path& target, std::span<const std::filesystem::path> inputs);
inline Result<void> refuse_overwrite(const std::filesystem::path& target, std::initializer_list<std::filesystem::path> inputs) {
    return refuse_overwrite(target, std::span(inputs.begin(), inputs.size()));
}

}  // namespace krait
