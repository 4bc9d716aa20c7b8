// SPDX-License-Identifier: Apache-2.0
#include "core/base/environment.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace krait::environment {

std::vector<std::filesystem::path> backend_path() {
    std::vector<std::filesystem::path> folders;
    const char* value = std::getenv("KRAIT_BACKEND_PATH");
    for (std::string_view rest = value ? value : ""; !rest.empty();) {
        const size_t end = std::min(rest.find(':'), rest.size());
        if (end > 0) folders.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return folders;
}

// An empty value is none.
static std::optional<std::string> text(const char* name) {
    const char* value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    return value;
}

std::optional<std::string> device() { return text("KRAIT_DEVICE"); }

std::optional<std::string> log_level() { return text("KRAIT_LOG"); }

// Freedesktop's base directories: a variable of their own, else a folder in the home folder.
static std::optional<std::filesystem::path> base_directory(const char* variable, const char* in_home) {
    const auto folder = [](const char* name) -> std::filesystem::path {
        const char* value = std::getenv(name);
        return value ? value : "";
    };
    if (const auto base = folder(variable); base.is_absolute()) return base / "krait";
    if (const auto home = folder("HOME"); home.is_absolute()) return home / in_home / "krait";
    return std::nullopt;
}

std::optional<std::filesystem::path> cache_directory() { return base_directory("XDG_CACHE_HOME", ".cache"); }

std::optional<std::filesystem::path> state_directory() { return base_directory("XDG_STATE_HOME", ".local/state"); }

bool terminal_moves_its_cursor() {
    const char* value = std::getenv("TERM");
    const std::string_view name = value ? value : "";
    return !name.empty() && name != "dumb";
}

std::optional<int> terminal_columns() {
    const char* value = std::getenv("COLUMNS");
    const std::string_view text = value ? value : "";
    int columns = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (code != std::errc{} || end != text.data() + text.size() || columns <= 0) return std::nullopt;
    return columns;
}

}  // namespace krait::environment
