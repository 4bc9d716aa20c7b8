// SPDX-License-Identifier: Apache-2.0
//
// Messages of plugins, and of Krait itself, on standard error: "krait: warning: ...", each text once.
#pragma once

#include <string_view>

namespace krait::tools {

// From now on plugins' warnings and errors are printed; with KRAIT_LOG=info or debug more, with KRAIT_LOG=error or none less.
void print_log();

void print_warning(std::string_view message);

}  // namespace krait::tools
