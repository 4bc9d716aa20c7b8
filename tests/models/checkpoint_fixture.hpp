// SPDX-License-Identifier: Apache-2.0
//
// Shared by tests of checkpoint files: their data, and bytes as text.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "formats/checkpoint/checkpoint_file.hpp"
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

// NAME.index.json is one file of two shards; name: "model.safetensors". expect_as_written(file, the tensors of expected.json).
template <class File, class ExpectAsWritten>
void expect_index_opens_all_shards(const std::string& kind, const std::string& name, ExpectAsWritten&& expect_as_written) {
    const auto expected = nlohmann::json::parse(contents(checkpoint_path(kind, "expected.json")));
    const size_t dot = name.find('.');
    const auto shard = [&](int number) {
        return fmt::format("{}-{:05}-of-00002{}", name.substr(0, dot), number, name.substr(dot));
    };
    nlohmann::json all = expected.at(shard(1));
    all.update(expected.at(shard(2)));
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
        const auto file = File::open(checkpoint_path(kind, name + ".index.json"), access);
        ASSERT_TRUE(file) << file.error().message;
        ASSERT_EQ(file->shards().size(), 2u);
        expect_as_written(*file, all);
        EXPECT_EQ(file->name_of(**file->tensor("backbone.norm_f.weight")), checkpoint_path(kind, shard(2)).string());
        EXPECT_EQ(file->file_size(),
                  std::filesystem::file_size(file->shards()[0].name()) + std::filesystem::file_size(file->shards()[1].name()));
    }
}

}  // namespace krait::test
