// SPDX-License-Identifier: Apache-2.0
//
// Every environment variable that Krait reads, each once, here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace krait::environment {

// KRAIT_BACKEND_PATH: folders to search for plugins before all others, separated by ':'.
std::vector<std::filesystem::path> backend_path();

// KRAIT_DEVICE: the device to use where none is named, or several, e.g. "cpu:avx2:threads=2" or "cuda0,cpu".
std::optional<std::string> device();

// KRAIT_LOG: which messages of plugins the command prints: "debug", "info", "warning" (the default), "error", "none".
std::optional<std::string> log_level();

// Where files go that can be made again: $XDG_CACHE_HOME/krait, else $HOME/.cache/krait; nothing where neither is an absolute
// path.
std::optional<std::filesystem::path> cache_directory();

// Where programs leave files that are kept, but could be missed: $XDG_STATE_HOME/krait, else $HOME/.local/state/krait.
std::optional<std::filesystem::path> state_directory();

// TERM: whether it names a terminal that can move its cursor; not where it is "dumb", empty or not set.
bool terminal_moves_its_cursor();

// COLUMNS: how wide the terminal is, for those that do not say so themselves.
std::optional<int> terminal_columns();

}  // namespace krait::environment
