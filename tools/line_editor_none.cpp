// SPDX-License-Identifier: Apache-2.0
//
// In place of line_editor.cpp where libedit is missing.
#include "tools/line_editor.hpp"

namespace krait::tools {

const char* line_editor_name() { return "none"; }

std::unique_ptr<LineEditor> open_line_editor(const std::optional<std::filesystem::path>&) { return nullptr; }

}  // namespace krait::tools
