// SPDX-License-Identifier: Apache-2.0
//
// The text of `krait --version`: the version, the commit and the compiler it was built from and with, the plugins that are
// there, and the line editor.
#pragma once

#include <string>

namespace krait::tools {

extern const char* const
    kCommit;  // defined in a file that the build writes (cmake/WriteCommit.cmake); "unknown" outside of git

std::string version_text();

}  // namespace krait::tools
