// SPDX-License-Identifier: Apache-2.0
//
// A place in a kernel's source. As a default argument, Site::here() is where the call stands:
//   void block_barrier(Site site = Site::here());
#pragma once

#include <string>

#include "core/base/result.hpp"

namespace krait::cuda::emulation {

struct Site {
    const char* file = "";
    unsigned line = 0;

    static constexpr Site here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) { return {file, line}; }

    // Two translation units have two pointers to one file's name, but a launch runs code of one.
    bool operator==(const Site&) const = default;
    std::string text() const {
        const std::string_view path = file;
        const size_t from = path.rfind("backends/");
        return fmt::format("{}:{}", from == std::string_view::npos ? path : path.substr(from), line);
    }
};

}  // namespace krait::cuda::emulation
