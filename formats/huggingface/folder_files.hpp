// SPDX-License-Identifier: Apache-2.0
//
// The files of a folder that are read, none of which may lie elsewhere.
#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "core/base/result.hpp"

namespace krait::huggingface {

inline constexpr std::array kConfigNames{"config.json", "params.json"};  // that describe a model; the first that is there

// The path of a file in the folder; nullopt where there is none. A link is followed, as folder_links.hpp allows it; the
// first of kConfigNames that is there describes the model.
Result<std::optional<std::filesystem::path>> find_file(const std::filesystem::path& folder, std::string_view name);

}  // namespace krait::huggingface
