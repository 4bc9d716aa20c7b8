// SPDX-License-Identifier: Apache-2.0
//
// Hostile zip archives: what is wrong in them is said with its place, and nothing that they say is believed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/main/paths.hpp"
#include "tests/models/torch_bytes.hpp"

namespace krait {
namespace {

using test::ZipPart;

std::string good_pickle() { return test::pickle_of(test::p_dict(test::p_text("w") + test::p_tensor(2, 0, {2}, {1}))); }
std::vector<ZipPart> good_parts() {
    return {{.name = "m/data.pkl", .data = good_pickle()},
            {.name = "m/byteorder", .data = "little"},
            {.name = "m/data/0", .data = "12345678"}};
}

void expect_refused(const std::string& file, ErrorCode code, std::initializer_list<std::string> words) {
    const auto parsed = test::parse_torch(file);
    ASSERT_FALSE(parsed) << *words.begin();
    EXPECT_EQ(parsed.error().code, code) << parsed.error().message;
    EXPECT_TRUE(parsed.error().message.starts_with("x.bin: ")) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find("byte "), std::string::npos) << parsed.error().message;
    for (const std::string& word : words)
        EXPECT_NE(parsed.error().message.find(word), std::string::npos) << word << "\n" << parsed.error().message;
}

// The last entry replaced by this one.
void expect_entry_refused(const ZipPart& part, ErrorCode code, std::initializer_list<std::string> words) {
    std::vector<ZipPart> parts = good_parts();
    parts.back() = part;
    expect_refused(test::zip_of(parts), code, words);
}

std::string golden(const std::string& name) {
    std::ifstream stream(std::filesystem::path(test::kTestsFolder) / "models" / "data" / "torch" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(TorchArchive, GoodOnesAreRead) {
    const std::string bytes = test::zip_of(good_parts());  // which the file borrows
    const auto file = test::parse_torch(bytes);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(file->tensors().size(), 1u);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(file->tensors()[0].bytes.data()), 8), "12345678");
    std::vector<ZipPart> parts = good_parts();
    parts.erase(parts.begin() + 1);
    EXPECT_TRUE(test::parse_torch(test::zip_of(parts))) << "without a byte order, as earlier versions wrote them";
}

TEST(TorchArchive, NothingIsUnpacked) {
    expect_entry_refused({.name = "m/data/0", .data = "12345678", .method = 8}, ErrorCode::unsupported,
                         {"entry 'm/data/0': it is compressed (method 8) (record at byte "});
    expect_entry_refused({.name = "m/data/0", .data = "1", .method = 8, .size = 0xFFFFFFF0, .stored_size = 1},
                         ErrorCode::unsupported, {"it is compressed"});
    expect_entry_refused({.name = "m/data/0", .data = "12345678", .flags = 1}, ErrorCode::unsupported,
                         {"entry 'm/data/0': it is encrypted"});
    expect_entry_refused(
        {.name = "m/data/0", .data = "1", .size = 8, .stored_size = 1}, ErrorCode::corrupt_file,
        {"entry 'm/data/0': it is stored, and the record at byte ", "gives it 1 bytes in the file and 8 of data"});
}

TEST(TorchArchive, NamesStayInTheFolder) {
    for (const char* name : {"../data/0", "m/../data/0", "/m/data/0", "m/data/..", "m\\data\\0", "", "m/./data/0", ".."})
        expect_entry_refused({.name = name, .data = "12345678"}, ErrorCode::corrupt_file, {"is no plain relative path"});
    expect_entry_refused({.name = std::string("m/data\0/0", 9), .data = "12345678"}, ErrorCode::corrupt_file,
                         {"is no plain relative path"});
    expect_entry_refused({.name = "n/data/0", .data = "12345678"}, ErrorCode::corrupt_file,
                         {"entry 'n/data/0': it does not lie in the folder 'm/'"});
    expect_entry_refused({.name = "m/byteorder", .data = "little"}, ErrorCode::corrupt_file,
                         {"entry 'm/byteorder'", "is the second one of this name"});
    expect_entry_refused(
        {.name = "m/data/0", .data = "12345678", .own_name = "m/data/1"}, ErrorCode::corrupt_file,
        {"entry 'm/data/0': its own header at byte ", "tells something else than its record in the directory at byte "});
    expect_entry_refused({.name = "m/data/0", .data = "12345678", .own_name = "m/data/10"}, ErrorCode::corrupt_file,
                         {"entry 'm/data/0': its own header at byte ", "tells something else"});
}

TEST(TorchArchive, SizesAndPlacesAreChecked) {
    expect_entry_refused({.name = "m/data/0", .data = "1", .size = 0xFFFFFF}, ErrorCode::corrupt_file,
                         {"entry 'm/data/0': its data begin at byte ", "and have 16777215 bytes"});
    // Inside of the file, but in the directory.
    expect_entry_refused(
        {.name = "m/data/0", .data = "1234", .size = 8}, ErrorCode::corrupt_file,
        {"entry 'm/data/0': its data begin at byte ", "and have 8 bytes", "and the directory begins at byte "});
    expect_entry_refused({.name = "m/data/0", .data = "12345678", .begin = 7}, ErrorCode::corrupt_file,
                         {"entry 'm/data/0': at byte 7 its own header is said to be, and none is there"});
    expect_entry_refused({.name = "m/data/0", .data = "12345678", .begin = 0xFFFFFFF0}, ErrorCode::corrupt_file,
                         {"entry 'm/data/0': its own header is said to be at byte 4294967280"});
    // Two records that point to one header, and one header inside of the data of another.
    std::vector<ZipPart> parts = good_parts();
    parts.push_back({.name = "m/data/1", .data = "12345678", .own_name = "m/data/0"});
    parts.back().begin = static_cast<uint32_t>(test::zip_of(good_parts()).find("m/data/0") - 30);
    expect_refused(test::zip_of(parts), ErrorCode::corrupt_file,
                   {"entry 'm/data/1': its own header at byte ", "tells something else"});
    const std::string inner = test::zip_of({{.name = "m/data/1", .data = "1234"}}).substr(0, 42);
    parts = good_parts();
    parts.back().data = inner;
    parts.push_back({.name = "m/data/1", .data = "1234"});
    parts.back().begin = static_cast<uint32_t>(test::zip_of(parts).find(inner));
    expect_refused(test::zip_of(parts), ErrorCode::corrupt_file,
                   {"entry 'm/data/1': it begins at byte ", "inside of entry 'm/data/0'"});
    // Zip64 sizes that wrap around.
    const auto wide = [](uint64_t size, uint64_t stored) {
        return test::number_bytes(uint16_t{1}) + test::number_bytes(uint16_t{16}) + test::number_bytes(size) +
               test::number_bytes(stored);
    };
    for (const uint64_t size : {UINT64_MAX, UINT64_MAX - 100, uint64_t{1} << 63, uint64_t{1} << 32})
        expect_entry_refused({.name = "m/data/0", .data = "12345678", .size = UINT32_MAX, .extra = wide(size, size)},
                             ErrorCode::corrupt_file,
                             {"entry 'm/data/0': its data begin at byte ", fmt::format("and have {} bytes", size)});
    EXPECT_TRUE(test::parse_torch([&] {
        std::vector<ZipPart> wide_parts = good_parts();
        wide_parts.back().size = UINT32_MAX;
        wide_parts.back().extra = wide(8, 8);
        return test::zip_of(wide_parts);
    }()));
}

// A storage of 5 GiB, which the file system does not write out, and one behind it: places beyond 32 bits.
TEST(TorchArchive, LargeArchivesAreRead) {
    using test::number_bytes;
    constexpr uint64_t kLarge = uint64_t{5} << 30;
    const auto path = std::filesystem::path(testing::TempDir()) / fmt::format("krait-large-{}.bin", ::getpid());
    std::ofstream file(path, std::ios::binary);
    std::string directory;
    const auto add = [&](const std::string& name, const std::string& data, uint64_t size) {
        const auto begin = static_cast<uint64_t>(file.tellp());
        const auto narrow = number_bytes(UINT32_MAX);
        const std::string facts = std::string(12, '\0') + narrow + narrow + number_bytes(static_cast<uint16_t>(name.size()));
        file << "PK\3\4" << number_bytes(uint16_t{0}) << facts << number_bytes(uint16_t{0}) << name << data;
        file.seekp(static_cast<std::streamoff>(begin + 30 + name.size() + size));
        directory += "PK\1\2" + std::string(4, '\0') + facts + number_bytes(uint16_t{28}) + std::string(10, '\0') + narrow +
                     name + number_bytes(uint16_t{1}) + number_bytes(uint16_t{24}) + number_bytes(size) + number_bytes(size) +
                     number_bytes(begin);
    };
    const std::string pickle =
        test::pickle_of(test::p_dict(test::p_text("large") + test::p_tensor(kLarge / 4, kLarge / 4 - 2, {2}, {1}) +
                                     test::p_text("behind") + test::p_tensor(2, 0, {2}, {1}, "FloatStorage", "1")));
    add("m/data.pkl", pickle, pickle.size());
    add("m/data/0", "", kLarge);
    file.seekp(-4, std::ios::cur);
    file << "last";
    add("m/data/1", "12345678", 8);
    const auto begin = static_cast<uint64_t>(file.tellp());
    const uint64_t end = begin + directory.size(), n_entry = 3;
    file << directory << "PK\6\6" << number_bytes(uint64_t{44}) << std::string(12, '\0') << number_bytes(n_entry)
         << number_bytes(n_entry) << number_bytes(uint64_t{directory.size()}) << number_bytes(begin) << "PK\6\7"
         << number_bytes(uint32_t{0}) << number_bytes(end) << number_bytes(uint32_t{1}) << "PK\5\6" << std::string(4, '\0')
         << std::string(12, '\xff') << std::string(2, '\0');
    file.close();
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
        const auto opened = TorchFile::open(path, access);
        ASSERT_TRUE(opened) << opened.error().message;
        std::string bytes(8, '\0');
        ASSERT_TRUE(opened->read_part(*opened->find_tensor("large"), 0, std::as_writable_bytes(std::span(bytes))));
        EXPECT_EQ(bytes, std::string(4, '\0') + "last");
        ASSERT_TRUE(opened->read_part(*opened->find_tensor("behind"), 0, std::as_writable_bytes(std::span(bytes))));
        EXPECT_EQ(bytes, "12345678");
    }
    std::filesystem::remove(path);
}

TEST(TorchArchive, TheDirectoryIsWhole) {
    expect_refused(test::zip_of(good_parts(), uint16_t{4}), ErrorCode::corrupt_file,
                   {"archive: record 3 of the 4 of its directory is broken at byte "});
    expect_refused(test::zip_of(good_parts(), uint16_t{0xFFFE}), ErrorCode::corrupt_file, {"archive: record 3 of the 65534"});
    expect_refused(test::zip_of(good_parts(), uint16_t{2}), ErrorCode::corrupt_file,
                   {"archive: its directory has ", " bytes behind its 2 records at byte "});
    expect_refused(test::zip_of(good_parts()) + "x", ErrorCode::corrupt_file,
                   {"archive: no zip archive ends at its last byte "});
    expect_refused("PK\3\4" + std::string(100, '\0'), ErrorCode::corrupt_file,
                   {"archive: no zip archive ends at its last byte 104: is the file complete?"});
    expect_refused("", ErrorCode::corrupt_file, {"archive: no zip archive ends at its last byte 0"});
    // Bytes in front of an archive are no part of it.
    expect_refused(test::zip_of(good_parts(), {}, std::string(100, 'x')), ErrorCode::corrupt_file,
                   {"archive: its directory is said to be at bytes ", "is something in front of the archive"});
}

TEST(TorchArchive, ItIsOneOfTorch) {
    std::vector<ZipPart> parts = good_parts();
    parts[0].name = "m/other.pkl";
    expect_refused(test::zip_of(parts), ErrorCode::unsupported,
                   {"archive: none of its 3 entries", "is a data.pkl in a folder"});
    parts[0].name = "data.pkl";
    expect_refused(test::zip_of(parts), ErrorCode::unsupported, {"is a data.pkl in a folder"});
    parts = good_parts();
    parts[1].data = "big";
    expect_refused(test::zip_of(parts), ErrorCode::unsupported,
                   {"entry 'm/byteorder': the byte order at byte ", "is \"big\"; only \"little\""});
    parts[1].data = std::string(100, 'x');
    expect_refused(test::zip_of(parts), ErrorCode::unsupported,
                   {"entry 'm/byteorder': it has 100 bytes at byte ", "at most 64"});
    parts = good_parts();
    parts[0].data.resize(16 * 1024 * 1024 + 1);
    expect_refused(test::zip_of(parts), ErrorCode::unsupported,
                   {"entry 'm/data.pkl': it has 16777217 bytes at byte ", "at most 16777216"});
}

TEST(TorchArchive, CutShortItIsRefusedEverywhere) {
    for (const std::string& whole : {golden("module.bin"), test::zip_of(good_parts())}) {
        ASSERT_TRUE(test::parse_torch(whole));
        for (size_t size = 0; size < whole.size(); ++size) {
            SCOPED_TRACE(size);
            expect_refused(whole.substr(0, size), ErrorCode::corrupt_file, {"archive: "});
        }
    }
}

// Whatever stands in a byte: an error with a place, or tensors inside of the file.
TEST(TorchArchive, AnyByteMayBeWrong) {
    for (const std::string& whole : {golden("pytorch_model-00002-of-00002.bin"), test::zip_of(good_parts())})
        for (size_t at = 0; at < whole.size(); ++at)
            for (const int change : {0x01, 0x80, 0xFF}) {
                std::string changed = whole;
                changed[at] = static_cast<char>(changed[at] ^ change);
                const auto file = test::parse_torch(changed);
                if (!file) {
                    EXPECT_NE(file.error().message.find("byte"), std::string::npos) << at << " " << file.error().message;
                    continue;
                }
                for (const CheckpointTensor& tensor : file->tensors()) {
                    ASSERT_LE(tensor.size, changed.size());
                    std::vector<std::byte> bytes(tensor.size);
                    EXPECT_TRUE(file->read_part(tensor, 0, bytes)) << at;
                }
            }
}

}  // namespace
}  // namespace krait
