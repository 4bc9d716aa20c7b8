// SPDX-License-Identifier: Apache-2.0
//
// Links in the folder of a model: a file may be one, and none leads out of the folder, except to where the file that describes
// the model is a link to: a cache of downloads keeps all files of a model at one place, and its folders are links to them.
#pragma once

#include <filesystem>

namespace krait {

// real: canonical path of a file of the folder. description: the file of the folder that describes the model. Files may lie in
// the folder, or where the description leads to. False where this one lies elsewhere, or where neither place exists.
bool stays_in_folder(const std::filesystem::path& real, const std::filesystem::path& folder,
                     const std::filesystem::path& description);

}  // namespace krait
