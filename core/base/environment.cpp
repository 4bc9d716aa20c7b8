// SPDX-License-Identifier: Apache-2.0
#include "core/base/environment.hpp"

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

std::optional<std::string> device() {
    const char* value = std::getenv("KRAIT_DEVICE");
    if (!value || !*value) return std::nullopt;
    return value;
}

std::optional<std::filesystem::path> cache_directory() {
    const auto folder = [](const char* name) -> std::filesystem::path {
        const char* value = std::getenv(name);
        return value ? value : "";
    };
    if (const auto cache = folder("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "krait";
    if (const auto home = folder("HOME"); home.is_absolute()) return home / ".cache" / "krait";
    return std::nullopt;
}

}  // namespace krait::environment
