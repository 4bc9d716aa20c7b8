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

}  // namespace krait::environment
