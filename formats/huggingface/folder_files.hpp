// SPDX-License-Identifier: Apache-2.0
//
// Which files of a folder are read, and that none of them lies elsewhere.
#pragma once

#include <filesystem>
#include <optional>

#include "core/base/result.hpp"

namespace krait::huggingface {

// The path of a file in the folder; nullopt where there is none. A link is followed; one that leads out of the folder is
// refused, except to where config.json itself leads: a cache of downloads keeps all files of a model at one place.
Result<std::optional<std::filesystem::path>> find_file(const std::filesystem::path& folder, std::string_view name);

}  // namespace krait::huggingface
