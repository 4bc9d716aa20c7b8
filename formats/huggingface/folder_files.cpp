// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/folder_files.hpp"

#include "core/base/printable.hpp"
#include "formats/checkpoint/folder_links.hpp"

namespace krait::huggingface {

namespace fs = std::filesystem;

// The file that describes the model, and the only one whose link says where the others may lie: one that is not read says
// nothing.
static fs::path description_of(const fs::path& folder) {
    std::error_code code;
    for (const char* name : kConfigNames)
        if (fs::exists(fs::symlink_status(folder / name, code))) return folder / name;
    return folder / kConfigNames.front();
}

Result<std::optional<fs::path>> find_file(const fs::path& folder, std::string_view name) {
    std::error_code code;
    const fs::path path = folder / name;
    if (!fs::exists(fs::symlink_status(path, code))) return std::nullopt;
    const fs::path real = fs::canonical(path, code);
    if (code) return fail(ErrorCode::not_found, "{}: the link leads nowhere", path.string());
    if (!stays_in_folder(real, folder, description_of(folder)))
        return fail(ErrorCode::invalid_argument, "{}: this link leaves the folder, to {}; put the file itself there",
                    path.string(), quote(real.string(), '\'', 255));
    return path;
}

}  // namespace krait::huggingface
