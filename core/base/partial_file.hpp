// SPDX-License-Identifier: Apache-2.0
//
// The temporary file that will take another file's place: beside it, named after it, and removed where it does not get that
// far, by a signal handler too.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "core/base/file_descriptor.hpp"

namespace krait {

class PartialFile {
  public:
    PartialFile() = default;  // none
    PartialFile(PartialFile&& other) noexcept;
    PartialFile& operator=(PartialFile&& other) noexcept;
    ~PartialFile() { remove(); }

    // "model.gguf.4711-0.partial" beside "model.gguf", open for writing; a long name is cut to what the folder takes. Without a
    // descriptor errno says why.
    FileDescriptor create(const std::filesystem::path& target, mode_t mode);
    bool exists() const { return !path_.empty(); }
    bool rename_to(const std::filesystem::path& target);  // false: errno says why
    void remove() noexcept;

  private:
    std::filesystem::path path_;
    int slot_ = -1;  // of what remove_partial_files() looks at
};

// Removes the temporary files of this process, for a signal handler that ends it: calls nothing that such a handler may not
// call. Writing must not go on afterwards. (Of more than 1024 files that are open at a time the others stay.)
void remove_partial_files() noexcept;

}  // namespace krait
