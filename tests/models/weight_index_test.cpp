// SPDX-License-Identifier: Apache-2.0
//
// Indices of checkpoints: what they name, where that may lie, and whether it is there.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "formats/checkpoint/weight_index.hpp"
#include "formats/safetensors/safetensors_file.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

class WeightIndexTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::canonical(testing::TempDir()) / fmt::format("krait-index-{}", ::getpid());
        fs::remove_all(folder_);
        fs::create_directories(folder_ / "model");
    }
    void TearDown() override { fs::remove_all(folder_); }

    // A shard with one byte for each tensor.
    void write_shard(const fs::path& path, const std::vector<std::string>& tensors) const {
        std::string header = "{";
        for (size_t i = 0; i < tensors.size(); ++i)
            header += fmt::format(R"({}"{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})", i ? "," : "", tensors[i], i,
                                  i + 1);
        header += "}";
        const uint64_t size = header.size();
        std::string file(8, '\0');
        std::memcpy(file.data(), &size, sizeof size);
        std::ofstream(folder_ / path, std::ios::binary) << file << header << std::string(tensors.size(), 'd');
    }
    Result<SafetensorsFile> open_index(const std::string& text) const {
        std::ofstream(index(), std::ios::binary) << text;
        return SafetensorsFile::open(index());
    }
    // An index of tensors a and b in two files.
    static std::string names(const std::string& first, const std::string& second) {
        return R"({"metadata":{"total_size":2,"more":[1.5,{"x":null}]},"weight_map":{"a":")" + first + R"(","b":")" + second +
               "\"}}\n";
    }
    void expect_refused(const std::string& text, ErrorCode code, std::initializer_list<std::string> words) const {
        SCOPED_TRACE(text);
        const auto file = open_index(text);
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code, code) << file.error().message;
        EXPECT_NE(file.error().message.find("model.safetensors.index.json: "), std::string::npos) << file.error().message;
        for (const std::string& word : words)
            EXPECT_NE(file.error().message.find(word), std::string::npos) << word << "\n" << file.error().message;
    }
    fs::path index() const { return folder_ / "model" / "model.safetensors.index.json"; }

    fs::path folder_;
};

TEST_F(WeightIndexTest, ShardsAreOpenedOnce) {
    write_shard("model/1.safetensors", {"a"});
    write_shard("model/2.safetensors", {"b", "c"});
    const auto file = open_index(names("2.safetensors", "2.safetensors"));
    ASSERT_FALSE(file) << "a is not there";
    const auto both = open_index(names("1.safetensors", "2.safetensors"));
    ASSERT_TRUE(both) << both.error().message;
    EXPECT_EQ(both->shards().size(), 2u);
    EXPECT_EQ(both->tensors().size(), 3u) << "a shard may hold more than the index says";
    EXPECT_EQ(both->name(), index().string());
}

TEST_F(WeightIndexTest, NamesAreThoseOfFilesBesideIt) {
    write_shard("1.safetensors", {"a"});
    write_shard("model/2.safetensors", {"b"});
    fs::create_directory(folder_ / "model" / "inner");
    write_shard("model/inner/1.safetensors", {"a"});
    for (const std::string name : {"../1.safetensors", "..", ".", "", "inner/1.safetensors", "./1.safetensors",
                                   "a\\\\1.safetensors", "a\\u0000b", "\\u002e\\u002e\\u002f1.safetensors"})
        expect_refused(names(name, "2.safetensors"), ErrorCode::corrupt_file,
                       {"tensor 'a': ", "is no name of a file beside the index", "at byte "});
    expect_refused(names((folder_ / "1.safetensors").string(), "2.safetensors"), ErrorCode::corrupt_file,
                   {"is no name of a file beside the index"});
}

TEST_F(WeightIndexTest, LinksStayInTheFolder) {
    write_shard("out.safetensors", {"a"});
    write_shard("model/2.safetensors", {"b"});
    fs::create_symlink("../out.safetensors", folder_ / "model" / "1.safetensors");
    expect_refused(names("1.safetensors", "2.safetensors"), ErrorCode::invalid_argument,
                   {"'1.safetensors' is a link that leaves the folder, to '" + (folder_ / "out.safetensors").string()});
    fs::remove(folder_ / "model" / "1.safetensors");
    fs::create_directory_symlink("/", folder_ / "model" / "1.safetensors");
    expect_refused(names("1.safetensors", "2.safetensors"), ErrorCode::invalid_argument, {"leaves the folder"});
    fs::remove(folder_ / "model" / "1.safetensors");
    // Inside it they lead where they like.
    write_shard("model/real", {"a"});
    fs::create_symlink("real", folder_ / "model" / "1.safetensors");
    EXPECT_TRUE(open_index(names("1.safetensors", "2.safetensors")));
    // The cache of a downloader: every file, the index too, is a link into one folder of contents.
    fs::create_directories(folder_ / "cache" / "contents");
    fs::create_directories(folder_ / "cache" / "model");
    write_shard("cache/contents/111", {"a"});
    write_shard("cache/contents/222", {"b"});
    std::ofstream(folder_ / "cache" / "contents" / "333") << names("1.safetensors", "2.safetensors");
    const auto link = [&](const char* from, const char* to) {
        fs::create_symlink(fs::path("../contents") / to, folder_ / "cache" / "model" / from);
    };
    link("1.safetensors", "111");
    link("2.safetensors", "222");
    link("model.safetensors.index.json", "333");
    const auto cached = SafetensorsFile::open(folder_ / "cache" / "model" / "model.safetensors.index.json");
    EXPECT_TRUE(cached) << cached.error().message;
}

TEST_F(WeightIndexTest, FilesAreThere) {
    write_shard("model/1.safetensors", {"a"});
    expect_refused(names("1.safetensors", "2.safetensors"), ErrorCode::not_found,
                   {"1 of the 2 files that it names are not in its folder: '2.safetensors'"});
    fs::create_symlink("nowhere", folder_ / "model" / "2.safetensors");
    expect_refused(names("1.safetensors", "2.safetensors"), ErrorCode::not_found, {"'2.safetensors'"});
    fs::remove(folder_ / "model" / "2.safetensors");
    std::string many = R"({"weight_map":{)";
    for (int i = 0; i < 1000; ++i) many += fmt::format(R"({}"t{}":"{}")", i ? "," : "", i, i);
    expect_refused(many + "}}", ErrorCode::not_found, {"1000 of the 1000 files", " and 992 more"});
}

TEST_F(WeightIndexTest, ShardsHoldWhatItSays) {
    write_shard("model/1.safetensors", {"a"});
    write_shard("model/2.safetensors", {"c"});
    expect_refused(names("1.safetensors", "2.safetensors"), ErrorCode::corrupt_file,
                   {"tensor 'b' at byte ", "is said to be in '2.safetensors', and is not there"});
    write_shard("model/2.safetensors", {"b"});
    expect_refused(names("2.safetensors", "1.safetensors"), ErrorCode::corrupt_file,
                   {"tensor 'a' at byte ", "is said to be in '2.safetensors'"});
    write_shard("model/2.safetensors", {"b", "a"});
    const auto twice = open_index(names("1.safetensors", "2.safetensors"));
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().message.find("2.safetensors: tensor 'a' (described at byte "), std::string::npos)
        << twice.error().message;
    std::ofstream(folder_ / "model" / "2.safetensors") << "short";
    const auto cut = open_index(names("1.safetensors", "2.safetensors"));
    ASSERT_FALSE(cut);
    EXPECT_NE(cut.error().message.find("2.safetensors: header: "), std::string::npos) << cut.error().message;
}

TEST_F(WeightIndexTest, ItIsJson) {
    const auto refused = [&](const std::string& text, const std::string& words) {
        expect_refused(text, ErrorCode::corrupt_file, {words, "byte "});
    };
    refused("[]", "'{' of the index is expected at byte 0");
    refused("{}", "it has no \"weight_map\"");
    refused(R"({"weight_map":{}})", "it has no \"weight_map\"");
    refused(R"({"weight_map":[]})", "'{' of the weight_map is expected at byte 14");
    refused(R"({"weight_map":{"a":1}})", "the name of a file in quotes is expected at byte 19");
    refused(R"({"weight_map":{"a":"1","a":"2"}})", "the tensor 'a' at byte 23 comes a second time");
    refused(R"({"weight_map":{"a":"1"},"weight_map":{"b":"2"}})", "\"weight_map\" at byte 24 comes a second time");
    refused(R"({"weight_map":{"a":"1"}} x)", "the end of the index is expected at byte 25");
    refused(R"({"weight_map":{"a":"1"},"more":tru})", "a value is expected at byte 31");
    refused(R"({"more":)" + std::string(100000, '['), "are nested more than 64 deep");
    refused(R"({"weight_map":{"a":")" + std::string(5000, 'f') + "\"}}", "is longer than the 4096 bytes");
}

}  // namespace
}  // namespace krait
