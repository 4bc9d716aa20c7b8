// SPDX-License-Identifier: Apache-2.0
//
// A plugin asked for the first time where it can do no harm: a child process loads it, asks for its table, its score and its
// devices, and ends. What crashes or hangs there is not loaded here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/runtime/plugin.hpp"

namespace krait {

// Why the plugin must not be loaded; nothing where the child came to its end (also where it refused the plugin in good order:
// the caller's own loading says why). For programs with one thread: the child is a fork.
std::optional<std::string> probe_in_child(const std::filesystem::path& path, const krait_host& host);

}  // namespace krait
