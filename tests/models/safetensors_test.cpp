// SPDX-License-Identifier: Apache-2.0
//
// Files that the format's own library has written, its verdicts on small files right and wrong, and errors that say what is
// wrong and where. data/safetensors/make_safetensors_golden.py makes the data.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "formats/safetensors/safetensors_file.hpp"
#include "tests/models/checkpoint_fixture.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

using test::contents;
using test::hexadecimal;

fs::path data_path(const std::string& name) { return test::checkpoint_path("safetensors", name); }

// A file of this header and so many bytes of data.
std::string file_of(const std::string& header, size_t n_byte, std::optional<uint64_t> length = {}) {
    const uint64_t size = length.value_or(header.size());
    std::string file(8, '\0');
    std::memcpy(file.data(), &size, sizeof size);
    return file + header + std::string(n_byte, 'd');
}

Result<SafetensorsFile> parse(const std::string& file) {
    return SafetensorsFile::parse(std::as_bytes(std::span(file)), "x.safetensors");
}

void expect_refused(const Result<SafetensorsFile>& file, ErrorCode code, std::initializer_list<std::string> words) {
    ASSERT_FALSE(file) << *words.begin();
    EXPECT_EQ(file.error().code, code) << file.error().message;
    for (const std::string& word : words)
        EXPECT_NE(file.error().message.find(word), std::string::npos) << word << "\n" << file.error().message;
}

// In the first words stand file, part and what is wrong.
void expect_corrupt(const std::string& header, size_t n_byte, std::initializer_list<std::string> words) {
    SCOPED_TRACE(header.substr(0, 300));
    expect_refused(parse(file_of(header, n_byte)), ErrorCode::corrupt_file, words);
}

std::string tensor(const std::string& shape, const std::string& offsets, const std::string& dtype = "U8") {
    return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}

void expect_as_written(const SafetensorsFile& file, const nlohmann::json& expected) {
    ASSERT_EQ(file.tensors().size(), expected.size());
    for (const auto& [name, what] : expected.items()) {
        const auto found = file.tensor(name);
        ASSERT_TRUE(found) << found.error().message;
        const CheckpointTensor& t = **found;
        EXPECT_EQ(checkpoint_type_name(t.type), what["dtype"].get<std::string>());
        EXPECT_EQ(t.extents, what["shape"].get<std::vector<int64_t>>());
        std::vector<std::byte> bytes(t.size);
        ASSERT_TRUE(file.read_part(t, 0, bytes));
        EXPECT_EQ(hexadecimal(bytes), what["data"].get<std::string>()) << name;
        const bool is_read = file.shards()[t.shard].is_read();
        EXPECT_TRUE(is_read ? t.bytes.empty() : std::ranges::equal(t.bytes, bytes));
        if (t.size < 3) continue;
        ASSERT_TRUE(file.read_part(t, 1, std::span(bytes).first(2)));
        EXPECT_EQ(hexadecimal(std::span(bytes).first(2)), what["data"].get<std::string>().substr(2, 4));
        EXPECT_FALSE(file.read_part(t, 1, bytes));
    }
}

TEST(Safetensors, ReadsWhatTheLibraryWrote) {
    const auto expected = nlohmann::json::parse(contents(data_path("expected.json")));
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read})
        for (const auto& [name, tensors] : expected.items()) {
            const auto file = SafetensorsFile::open(data_path(name), access);
            ASSERT_TRUE(file) << file.error().message;
            EXPECT_EQ(file->file_size(), fs::file_size(data_path(name)));
            expect_as_written(*file, tensors);
            ASSERT_FALSE(file->metadata().empty());
            const std::pair<std::string, std::string> format("format", "pt");
            EXPECT_NE(std::ranges::find(file->metadata(), format), file->metadata().end());
        }
    const auto file = SafetensorsFile::open(data_path("every_type.safetensors"));
    ASSERT_TRUE(file);
    EXPECT_EQ(file->tensor("none").error().message, file->name() + ": there is no tensor 'none' among its 24");
    EXPECT_NE(std::ranges::find(file->metadata(), std::pair<std::string, std::string>("quoted", "a \"b\" \t\u00e9")),
              file->metadata().end());
}

TEST(Safetensors, AnIndexOpensAllShards) {
    test::expect_index_opens_all_shards<SafetensorsFile>("safetensors", "model.safetensors", expect_as_written);
}

// The library keeps the last of two entries of a name, takes an extent that no int64 holds where another one is 0, and blanks
// in front of the header, which the format's description rules out. Here these are errors. Its other verdicts are Krait's.
TEST(Safetensors, VerdictsAreThoseOfTheLibrary) {
    const std::string all = contents(data_path("verdicts.bin"));
    size_t n_file = 0, n_accepted = 0, n_stricter = 0;
    for (size_t at = 0; at < all.size(); ++n_file) {
        uint32_t size = 0;
        std::memcpy(&size, all.data() + at, sizeof size);
        const bool is_accepted = all[at + 4] != 0;
        const std::string file = all.substr(at + 5, size);
        at += 5 + size;
        const auto parsed = parse(file);
        const auto says = [&](const char* words) { return !parsed && parsed.error().message.find(words) != std::string::npos; };
        const bool is_stricter = says("a second time") || says("; at most 9223372036854775807 is possible") ||
                                 says("at byte 8 it does not begin with '{'");
        EXPECT_EQ(parsed.has_value(), is_accepted && !is_stricter)
            << n_file << ": " << file.substr(std::min<size_t>(8, size), 300) << "\n"
            << (parsed ? "accepted" : parsed.error().message);
        EXPECT_TRUE(parsed || parsed.error().message.find("byte") != std::string::npos) << parsed.error().message;
        n_accepted += parsed.has_value();
        n_stricter += is_accepted && is_stricter;
    }
    EXPECT_GT(n_file, 800u);
    EXPECT_GT(n_accepted, 50u);
    EXPECT_LE(n_stricter, 5u);
}

TEST(Safetensors, EmptyFilesAreFiles) {
    for (const char* header : {"{}", "{ }   ", R"({"__metadata__":{}})"}) {
        const auto file = parse(file_of(header, 0));
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_TRUE(file->tensors().empty());
    }
}

TEST(Safetensors, TensorsComeInTheOrderOfTheirData) {
    const auto file = parse(file_of(R"({"b":)" + tensor("2", "3,5") + R"(,"e":)" + tensor("0", "3,3") + R"(,"a":)" +
                                        tensor("3", "0,3") + R"(,"z":)" + tensor("0,9", "5,5") + "}",
                                    5));
    ASSERT_TRUE(file) << file.error().message;
    std::string order;
    for (const CheckpointTensor& t : file->tensors()) order += t.name;
    EXPECT_EQ(order, "aebz");
    EXPECT_EQ(file->tensors()[2].file_offset, file->file_size() - 2);
}

// ---- hostile files -------------------------------------------------------------------------------------------------

TEST(Safetensors, LengthsOfTheHeaderAreChecked) {
    const std::string header = R"({"a":)" + tensor("3", "0,3") + "}";
    const auto refused = [&](uint64_t length, const std::string& words) {
        expect_refused(parse(file_of(header, 3, length)), ErrorCode::corrupt_file,
                       {"x.safetensors: header: its length at byte 0 is ", words});
    };
    for (const uint64_t length :
         {UINT64_MAX, UINT64_MAX - 4, UINT64_MAX - 7, uint64_t{1} << 63, kSafetensorsMaxHeaderBytes + 1})
        refused(length, "; at most 100000000 is possible");
    refused(kSafetensorsMaxHeaderBytes, "but only " + std::to_string(header.size() + 3) + " bytes follow");
    refused(header.size() + 4, "is the file complete?");
    expect_refused(parse("1234567"), ErrorCode::corrupt_file, {"takes 8 bytes, and the file has 7"});
    expect_refused(parse(file_of("", 0)), ErrorCode::corrupt_file, {"at byte 8 it does not begin with '{'"});
    expect_refused(parse(file_of(" " + header, 3)), ErrorCode::corrupt_file, {"at byte 8 it does not begin with '{'"});
}

TEST(Safetensors, OtherFormatsAreNamed) {
    const auto refused = [](const std::string& file, const std::string& words) {
        expect_refused(parse(file), ErrorCode::unsupported, {"x.safetensors: header: ", words});
    };
    refused("GGUF\3\0\0\0 and so on, for long enough", "it is a GGUF file");
    refused("PK\3\4 and so on, for long enough", "it is a zip archive, as PyTorch writes them");
    refused("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
    refused("<!DOCTYPE html><html></html>", "it is a web page");
    refused(R"({"metadata": {}, "weight_map": {}})", "an index's name ends in .json");
}

TEST(Safetensors, SizesAreThoseOfTheShapes) {
    const auto refused = [](const std::string& shape, const std::string& offsets, const std::string& dtype,
                            const std::string& words) {
        expect_corrupt(R"({"a":)" + tensor(shape, offsets, dtype) + "}", 8, {"x.safetensors: tensor 'a': ", words, "at byte "});
    };
    const std::string many = "its shape has more elements than any file could hold";
    refused("4294967296,4294967296", "0,8", "U8", many);
    refused("4294967296,4294967296", "0,0", "U8", many);
    refused("4294967296,4294967296,0", "0,0", "U8", many);
    refused("9223372036854775807,2,2", "0,8", "U8", many);
    refused("2305843009213693952", "0,0", "F64", many);
    refused("9223372036854775808", "0,8", "U8", "the extent at byte 36 is 9223372036854775808; at most 9223372036854775807");
    refused("18446744073709551616", "0,8", "U8", "is '18446744073709551616'; a whole number from 0 to 18446744073709551615");
    refused("-1", "0,8", "U8", "an extent at byte 36 is '-1'");
    refused("1.0", "0,8", "U8", "an extent at byte 36 is '1.0'");
    refused("1e1", "0,8", "U8", "an extent at byte 36 is '1e1'");
    refused("3", "0,8", "F16", "its shape takes 6 bytes (3 elements of F16), and the data_offsets at byte ");
    refused("0,2", "0,8", "U8", "its shape takes 0 bytes (0 elements of U8)");
    refused("", "0,8", "U8", "its shape takes 1 bytes (1 elements of U8)");
    refused("3", "0,2", "F4", "its 3 elements of 4 bits are no whole number of bytes");
    refused("8", "0,8", "F31", "the dtype at byte 22 is 'F31', which is none of safetensors");
    std::string ones = "8";
    for (size_t i = 0; i < kCheckpointMaxRank; ++i) ones += ",1";
    refused(ones, "0,8", "U8", "the shape has more than 64 extents");
}

TEST(Safetensors, DataLeavesNoBytesOver) {
    const auto header = [](const std::string& a, const std::string& b) {
        const auto one = [](const std::string& offsets) {
            const size_t comma = offsets.find(',');
            return tensor(std::to_string(std::stoi(offsets.substr(comma + 1)) - std::stoi(offsets)), offsets);
        };
        return R"({"a":)" + one(a) + R"(,"b":)" + one(b) + "}";
    };
    ASSERT_TRUE(parse(file_of(header("0,4", "4,8"), 8)));
    expect_corrupt(header("0,4", "3,8"), 8,
                   {"tensor 'b': its data begins at byte ", "inside that of tensor 'a', which ends at byte "});
    expect_corrupt(header("0,4", "0,8"), 8, {"tensor 'b': its data begins at byte ", "inside that of tensor 'a'"});
    expect_corrupt(header("0,4", "5,8"), 8,
                   {"tensor 'b': its data begins at byte ", "the 1 bytes between them belong to no tensor"});
    expect_corrupt(header("1,4", "4,8"), 8, {"tensor 'a': its data begins at byte ", "the 1 bytes between them"});
    expect_corrupt(header("0,4", "4,8"), 12, {"data: the tensors end at byte ", "the 4 bytes behind them belong to no tensor"});
    expect_corrupt(header("0,4", "4,8"), 7,
                   {"tensor 'b': the data_offsets at byte ", "1 bytes are missing. Is the file complete?"});
    expect_corrupt("{}", 1, {"data: the tensors end at byte 10, and the file at byte 11"});
    for (const char* offsets : {"8,0", "18446744073709551615,8", "9223372036854775808,0"})
        expect_corrupt(R"({"a":)" + tensor("8", offsets) + "}", 8,
                       {"tensor 'a': the data_offsets at byte ", "they end before they begin"});
    expect_corrupt(R"({"a":)" + tensor("8", "0,18446744073709551615") + "}", 8,
                   {"tensor 'a': the data_offsets at byte ", "bytes are missing"});
}

TEST(Safetensors, NothingComesTwice) {
    const std::string a = tensor("4", "0,4");
    expect_corrupt(R"({"a":)" + a + R"(,"a":)" + a + "}", 4, {"header: the name 'a' at byte ", "comes a second time"});
    expect_corrupt(R"({"a":)" + a + R"(,"\u0061":)" + a + "}", 4, {"header: the name 'a' at byte ", "comes a second time"});
    expect_corrupt(R"({"__metadata__":{},"__metadata__":{},"a":)" + a + "}", 4,
                   {"'__metadata__' at byte ", "comes a second time"});
    expect_corrupt(R"({"__metadata__":{"k":"1","k":"2"},"a":)" + a + "}", 4,
                   {"the key 'k' of __metadata__ at byte ", "comes a second time"});
    expect_corrupt(R"({"a":{"shape":[9],"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4,
                   {"tensor 'a': \"shape\" at byte ", "comes a second time"});
}

// Work grows as the header does: a search through all names for each of them would take minutes.
TEST(Safetensors, ManyTensors) {
    constexpr size_t kTensors = 100'000;
    std::string header = "{";
    for (size_t i = 0; i < kTensors; ++i)
        header += fmt::format("{}\"backbone.layers.{}.weight\":{}", i == 0 ? "" : ",", i,
                              tensor("1", fmt::format("{},{}", i, i + 1)));
    const auto begin = std::chrono::steady_clock::now();
    const auto file = parse(file_of(header + "}", kTensors));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->tensors().size(), kTensors);
    expect_corrupt(header + R"(,"backbone.layers.7.weight":)" + tensor("0", "0,0") + "}", kTensors,
                   {"the name 'backbone.layers.7.weight' at byte ", "comes a second time"});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Safetensors, TheHeaderIsJson) {
    const std::string a = R"("a":)" + tensor("4", "0,4");
    for (const auto& [header, words] : std::initializer_list<std::pair<std::string, std::string>>{
             {"{" + a, "'}' of the header is expected at byte "},
             {"{" + a + ",}", "a name in quotes is expected at byte "},
             {"{" + a + "}}", "the end of the header is expected at byte "},
             {"{" + a + "} x", "where 'x' stands"},
             {"{a:1}", "a name in quotes is expected at byte 9, where 'a' stands"},
             {"{\"a\" 1}", "':' of a name is expected at byte 13"},
             {"{\"a", "a name at byte 9 has no closing quote"},
             {"{\"a\":4}", "'{' of the tensor's description is expected at byte 13"},
             {"{\"a\":null}", "'{' of the tensor's description is expected"},
             {"{\"a\":[]}", "'{' of the tensor's description is expected"},
             {R"({"a":{"dtype":"U8","shape":[4]}})", "its description at byte 9 has no \"data_offsets\""},
             {R"({"a":{"shape":[4],"data_offsets":[0,4]}})", "its description at byte 9 has no \"dtype\""},
             {R"({"a":{"dtype":"U8","data_offsets":[0,4]}})", "its description at byte 9 has no \"shape\""},
             {R"({"a":{"dtype":8,"shape":[4],"data_offsets":[0,4]}})", "the dtype in quotes is expected"},
             {R"({"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}})", "'[' of the shape is expected"},
             {R"({"a":{"dtype":"U8","shape":[4,],"data_offsets":[0,4]}})", "an extent, a whole number, is expected"},
             {R"({"a":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}})", "an extent, a whole number, is expected"},
             {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4]}})", "',' of the data_offsets is expected"},
             {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}})", "']' of the data_offsets is expected"},
             {R"({"__metadata__":{"k":1}})", "a value of __metadata__ in quotes is expected"},
             {R"({"__metadata__":[]})", "'{' of __metadata__ is expected"},
             {R"({"":)" + tensor("4", "0,4") + "}", "the name at byte 9 is empty or has a NUL"},
             {R"({"a\u0000b":)" + tensor("4", "0,4") + "}", "the name at byte 9 is empty or has a NUL"},
             {"{\"a\nb\":1}", "has a control character at byte 11"},
             {"{\"a\xff\":1}", "a name at byte 9 is not UTF-8 at byte 11"},
             {"{\"\xed\xa0\x80\":1}", "a name at byte 9 is not UTF-8"},
             {"{\"\\ud800\":1}", "is half of a surrogate pair"},
             {"{\"\\ud800\\u0041\":1}", "is half of a surrogate pair"},
             {"{\"\\x\":1}", "the escape at byte 10 is none of JSON's"},
             {"{\"\\u12g4\":1}", "four hexadecimal digits are expected at byte 12"},
             {"{\"\\u12", "four hexadecimal digits are expected"},
             {"{\"\\", "the escape at byte 10 is none of JSON's"}})
        expect_corrupt(header, 4, {"x.safetensors: ", words});
}

// Fields that a later version may add are skipped, as deep as a text may be nested and no deeper.
TEST(Safetensors, DepthIsBounded) {
    const auto nested = [](size_t depth, const std::string& open, const std::string& close) {
        std::string text, end;
        for (size_t i = 0; i < depth; ++i) text += open, end += close;
        return R"({"a":{"more":)" + text + "1" + end + R"(,"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
    };
    for (const auto& [open, close] : {std::pair{"[", "]"}, {"{\"k\":", "}"}}) {
        EXPECT_TRUE(parse(file_of(nested(60, open, close), 4)));
        for (const size_t depth : {size_t{70}, size_t{1} << 20})
            expect_corrupt(nested(depth, open, close), 4, {"tensor 'a': values at byte ", "are nested more than 64 deep"});
    }
}

TEST(Safetensors, LongNamesAreRefused) {
    expect_corrupt("{\"" + std::string(65537, 'n') + "\":" + tensor("4", "0,4") + "}", 4,
                   {"a name at byte 9 is longer than the 65535 bytes"});
}

TEST(Safetensors, AFileThatShrinksIsAnError) {
    const fs::path path = fs::path(testing::TempDir()) / fmt::format("krait-{}.safetensors", ::getpid());
    std::ofstream(path, std::ios::binary) << file_of(R"({"a":)" + tensor("4000", "0,4000") + "}", 4000);
    const auto file = SafetensorsFile::open(path, FileAccess::read);
    ASSERT_TRUE(file);
    fs::resize_file(path, 1000);
    std::vector<std::byte> bytes(4000);
    const Result<void> read = file->read_part(file->tensors()[0], 0, bytes);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::io);
    EXPECT_NE(read.error().message.find("it was cut short while it was read"), std::string::npos) << read.error().message;
    fs::remove(path);
    EXPECT_EQ(SafetensorsFile::open(path).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace krait
