// SPDX-License-Identifier: Apache-2.0
//
// The file that a path names for writing, decided as cp decides it: a link is followed to its target and stays a link, and one
// that points nowhere is refused; directories are refused; a file that cannot be opened for writing is refused at once.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "core/base/file_descriptor.hpp"
#include "core/base/result.hpp"

namespace krait {

struct OutputTarget {
    enum class Kind {
        missing,  // no such file yet
        file,     // a regular file
        stream,   // a pipe, a device, or a descriptor of this process by name (/dev/stdout, /dev/fd/3): not to be replaced
    };
    Kind kind = Kind::missing;
    std::filesystem::path place;    // links followed
    std::optional<int> descriptor;  // of a stream that this process has open already
    struct stat status {};          // of a file or a stream

    // Opens nothing yet. Errors name `path` as it was given.
    static Result<OutputTarget> resolve(const std::filesystem::path& path);

    // For writing, from the beginning; what a file holds stays until it is written over. Waits for the reader of a named pipe.
    Result<FileDescriptor> open(const std::filesystem::path& path) const;
};

}  // namespace krait
