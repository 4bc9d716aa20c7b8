// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/folder_files.hpp"

#include "core/base/printable.hpp"

namespace krait::huggingface {

namespace fs = std::filesystem;

static bool is_within(const fs::path& file, const fs::path& folder) {
    const fs::path relative = file.lexically_relative(folder);
    return !relative.empty() && *relative.begin() != "..";
}

Result<std::optional<fs::path>> find_file(const fs::path& folder, std::string_view name) {
    std::error_code code;
    const fs::path path = folder / name;
    if (!fs::exists(fs::symlink_status(path, code))) return std::nullopt;
    const fs::path real = fs::canonical(path, code);
    if (code) return fail(ErrorCode::not_found, "{}: the link leads nowhere", path.string());
    const fs::path origin = fs::canonical(folder / "config.json", code).parent_path();
    if (!is_within(real, fs::canonical(folder, code)) && (origin.empty() || !is_within(real, origin)))
        return fail(ErrorCode::invalid_argument, "{}: this link leaves the folder, to {}; put the file itself there",
                    path.string(), quote(real.string(), '\'', 255));
    return path;
}

}  // namespace krait::huggingface
