// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint/folder_links.hpp"

namespace krait {

namespace fs = std::filesystem;

static bool is_within(const fs::path& file, const fs::path& folder) {
    const fs::path relative = file.lexically_relative(folder);
    return !folder.empty() && !relative.empty() && *relative.begin() != "..";
}

bool stays_in_folder(const fs::path& real, const fs::path& folder, const fs::path& description) {
    std::error_code code;
    return is_within(real, fs::canonical(folder.empty() ? "." : folder, code)) ||
           is_within(real, fs::canonical(description, code).parent_path());
}

}  // namespace krait
