// SPDX-License-Identifier: Apache-2.0
//
// Shared by tests of checkpoint files: their data, and bytes as text.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "tests/main/paths.hpp"

namespace krait::test {

// kind: "safetensors", "torch".
inline std::filesystem::path checkpoint_path(const std::string& kind, const std::string& name) {
    return std::filesystem::path(kTestsFolder) / "models" / "data" / kind / name;
}

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string hexadecimal(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(byte));
    return text;
}

}  // namespace krait::test
