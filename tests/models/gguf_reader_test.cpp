// SPDX-License-Identifier: Apache-2.0
//
// Valid files: one that the Python package gguf wrote, and ones made by gguf_bytes.hpp. What is wrong with a file is the
// subject of gguf_hostile_test.cpp.
#include "formats/gguf/gguf_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "formats/gguf/gguf_value.hpp"
#include "tests/main/paths.hpp"
#include "tests/models/gguf_bytes.hpp"

namespace krait {
namespace {

using test::Bytes;
using test::RawGguf;
namespace id = test::gguf_id;

std::filesystem::path data_path(const char* name) {
    return std::filesystem::path(test::kTestsFolder) / "models" / "data" / name;
}

GgufFile parsed(const Bytes& bytes) {
    auto file = GgufFile::parse(bytes.span(), "test.gguf");
    if (!file) ADD_FAILURE() << file.error().message;
    return std::move(file).value();
}

template <class T>
T tensor_element(const GgufTensor& tensor, size_t index) {
    T value;
    std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
    return value;
}

void expect_contains(const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

TEST(GgufReader, ReadsEveryTypeThatThePythonPackageWrites) {
    const auto opened = GgufFile::open(data_path("made_by_gguf_py.gguf"));
    ASSERT_TRUE(opened) << opened.error().message;
    const GgufFile& file = *opened;
    EXPECT_EQ(file.version(), 3u);
    EXPECT_EQ(file.alignment(), 64u);
    EXPECT_EQ(file.data_offset() % 64, 0u);
    ASSERT_EQ(file.metadata().size(), 26u);
    EXPECT_EQ(file.metadata()[0].key, "general.architecture");
    EXPECT_EQ(file.metadata()[25].key, "array.float64");

    const auto value = [&](const char* key) { return file.find(key)->value; };
    EXPECT_EQ(value("general.architecture"), GgufValue(std::string("mamba")));
    EXPECT_EQ(value("scalar.uint8"), GgufValue(uint8_t{200}));
    EXPECT_EQ(value("scalar.int8"), GgufValue(int8_t{-100}));
    EXPECT_EQ(value("scalar.uint16"), GgufValue(uint16_t{60000}));
    EXPECT_EQ(value("scalar.int16"), GgufValue(int16_t{-30000}));
    EXPECT_EQ(value("scalar.uint32"), GgufValue(uint32_t{4000000000u}));
    EXPECT_EQ(value("scalar.int32"), GgufValue(int32_t{-2000000000}));
    EXPECT_EQ(value("scalar.float32"), GgufValue(0.15625f));
    EXPECT_EQ(value("scalar.bool"), GgufValue(true));
    EXPECT_EQ(value("scalar.string"), GgufValue(std::string("Krait \xF0\x9F\x90\x8D says: \xC3\xBC"
                                                            "ber")));
    EXPECT_EQ(value("scalar.uint64"), GgufValue(std::numeric_limits<uint64_t>::max() - 2));
    EXPECT_EQ(value("scalar.int64"), GgufValue(std::numeric_limits<int64_t>::min()));
    EXPECT_EQ(value("scalar.float64"), GgufValue(1e-300));

    const auto array = [&](const char* key) { return std::get<GgufArray>(file.find(key)->value); };
    EXPECT_EQ(array("array.uint8"), GgufArray(std::vector<uint8_t>{0, 1, 255}));
    EXPECT_EQ(array("array.int8"), GgufArray(std::vector<int8_t>{-128, 0, 127}));
    EXPECT_EQ(array("array.uint16"), GgufArray(std::vector<uint16_t>{0, 65535}));
    EXPECT_EQ(array("array.int16"), GgufArray(std::vector<int16_t>{-32768, 32767}));
    EXPECT_EQ(array("array.uint32"), GgufArray(std::vector<uint32_t>{0, 4294967295u}));
    EXPECT_EQ(array("array.int32"), GgufArray(std::vector<int32_t>{std::numeric_limits<int32_t>::min(), 2147483647}));
    EXPECT_EQ(array("array.float32"), GgufArray(std::vector<float>{0.5f, -1.25f, 3.0f}));
    EXPECT_EQ(array("array.bool"), GgufArray(std::vector<bool>{true, false, true, true}));
    EXPECT_EQ(array("array.string"), GgufArray(std::vector<std::string>{"", "a", "\xC4\xA0the", "<|endoftext|>"}));
    EXPECT_EQ(array("array.uint64"), GgufArray(std::vector<uint64_t>{std::numeric_limits<uint64_t>::max()}));
    EXPECT_EQ(array("array.int64"),
              GgufArray(std::vector<int64_t>{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}));
    EXPECT_EQ(array("array.float64"), GgufArray(std::vector<double>{1e300, -2.5}));
}

TEST(GgufReader, ReadsTheTensorsThatThePythonPackageWrites) {
    const auto opened = GgufFile::open(data_path("made_by_gguf_py.gguf"));
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(opened->tensors().size(), 5u);

    const GgufTensor& ramp = opened->tensors()[0];
    EXPECT_EQ(ramp.name, "ramp.f32");
    EXPECT_EQ(to_string(ramp.desc), "F32 [3, 64]");
    ASSERT_EQ(ramp.byte_size(), 3u * 64 * 4);
    for (size_t i = 0; i < 192; ++i) ASSERT_EQ(tensor_element<float>(ramp, i), static_cast<float>(i));

    const GgufTensor& vector = opened->tensors()[1];
    EXPECT_EQ(to_string(vector.desc), "F32 [3]");
    EXPECT_EQ(tensor_element<float>(vector, 1), -2.5f);

    const GgufTensor& cube = opened->tensors()[2];
    EXPECT_EQ(to_string(cube.desc), "F16 [2, 3, 5]");
    EXPECT_EQ(cube.byte_size(), 60u);
    EXPECT_EQ(tensor_element<uint16_t>(cube, 2), 0x4000u);  // 2.0

    const GgufTensor& quantized = opened->tensors()[3];
    EXPECT_EQ(to_string(quantized.desc), "Q8_0 [3, 64]");
    EXPECT_EQ(quantized.byte_size(), 3u * 2 * 34);
    // The first block is -96 ... -65: the greatest magnitude becomes -127.
    EXPECT_EQ(static_cast<int8_t>(quantized.bytes[2]), -127);

    const GgufTensor& ids = opened->tensors()[4];
    EXPECT_EQ(to_string(ids.desc), "I32 [1, 2]");
    EXPECT_EQ(tensor_element<int32_t>(ids, 1), -7);
    for (const GgufTensor& tensor : opened->tensors()) {
        EXPECT_EQ(tensor.file_offset % 64, 0u) << tensor.name;
        EXPECT_EQ(tensor.bytes.data(), opened->bytes().data() + tensor.file_offset) << tensor.name;
        EXPECT_EQ(opened->find_tensor(tensor.name), &tensor);
    }
}

TEST(GgufReader, ReadsVersions2And3) {
    for (const uint32_t version : {2u, 3u}) {
        RawGguf raw = test::sample_gguf();
        raw.version = version;
        const Bytes bytes = raw.build();
        const GgufFile file = parsed(bytes);
        EXPECT_EQ(file.version(), version);
        EXPECT_EQ(file.metadata().size(), 17u);
        EXPECT_EQ(file.tensors().size(), 3u);
    }
}

TEST(GgufReader, TellsWhereThingsLie) {
    test::RawLayout layout;
    const Bytes bytes = test::sample_gguf().build(&layout);
    const GgufFile file = parsed(bytes);
    EXPECT_EQ(file.data_offset(), layout.data);
    EXPECT_EQ(file.bytes().size(), layout.file_end);
    for (size_t i = 0; i < layout.metadata.size(); ++i) EXPECT_EQ(file.metadata()[i].offset, layout.metadata[i].value) << i;
    for (size_t i = 0; i < layout.tensors.size(); ++i)
        EXPECT_EQ(file.tensors()[i].record_offset, layout.tensors[i].name_length) << i;
    EXPECT_EQ(file.tensors()[0].file_offset, layout.data);
    EXPECT_EQ(file.tensors()[1].file_offset, layout.data + 128);
    EXPECT_EQ(to_string(file.tensors()[0].desc), "F32 [4, 8]");
}

TEST(GgufReader, AFileMayHoldNothing) {
    const Bytes bytes = RawGguf().build();
    const GgufFile file = parsed(bytes);
    EXPECT_TRUE(file.metadata().empty());
    EXPECT_TRUE(file.tensors().empty());
}

TEST(GgufReader, HonoursTheAlignment) {
    for (const uint64_t alignment : {8u, 16u, 32u, 4096u, 1u << 20}) {
        RawGguf raw;
        raw.alignment = alignment;
        raw.add("general.alignment", id::u32, static_cast<uint32_t>(alignment));
        const Bytes first = Bytes().put(1.0f), second = Bytes().put(2.0f);
        raw.add_tensor("x", 0, {1}, first.span()).add_tensor("y", 0, {1}, second.span());
        const Bytes bytes = raw.build();
        const GgufFile file = parsed(bytes);
        EXPECT_EQ(file.alignment(), alignment);
        EXPECT_EQ(file.data_offset() % alignment, 0u);
        EXPECT_EQ(tensor_element<float>(file.tensors()[0], 0), 1.0f);
        EXPECT_EQ(tensor_element<float>(file.tensors()[1], 0), 2.0f);
    }
}

TEST(GgufReader, TensorsMayLieInAnyOrderWithGaps) {
    RawGguf raw;
    raw.tensors = {{"late", 0, {2}, 96, std::nullopt}, {"early", 0, {2}, 32, std::nullopt}};
    raw.data.zeros(32).put(1.0f).put(2.0f).pad(32).zeros(32).put(3.0f).put(4.0f);
    const Bytes bytes = raw.build();
    const GgufFile file = parsed(bytes);
    EXPECT_EQ(file.tensors()[0].name, "late");
    EXPECT_EQ(tensor_element<float>(file.tensors()[0], 1), 4.0f);
    EXPECT_EQ(tensor_element<float>(file.tensors()[1], 0), 1.0f);
}

TEST(GgufReader, NamesMayBeAnyBytes) {
    RawGguf raw;
    raw.add("\xFF\xFE not UTF-8", id::u8, uint8_t{1});
    raw.add(std::string("zero\0inside", 11), id::u8, uint8_t{2});
    const Bytes data = Bytes().put(1.0f);
    raw.add_tensor("\xC3(", 0, {1}, data.span());
    const Bytes bytes = raw.build();
    const GgufFile file = parsed(bytes);
    EXPECT_EQ(file.get_u32("\xFF\xFE not UTF-8").value(), 1u);
    EXPECT_EQ(file.get_u32(std::string_view("zero\0inside", 11)).value(), 2u);
    EXPECT_FALSE(file.has("zero"));
    EXPECT_NE(file.find_tensor("\xC3("), nullptr);
}

TEST(GgufReader, AnIntegerKeyMayBeOfAnyIntegerType) {
    RawGguf raw;
    raw.add("u8", id::u8, uint8_t{7}).add("i8", id::i8, int8_t{7}).add("u16", id::u16, uint16_t{7});
    raw.add("i16", id::i16, int16_t{7}).add("u32", id::u32, uint32_t{7}).add("i32", id::i32, int32_t{7});
    raw.add("u64", id::u64, uint64_t{7}).add("i64", id::i64, int64_t{7});
    const Bytes bytes = raw.build();
    const GgufFile file = parsed(bytes);
    for (const char* key : {"u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64"}) {
        EXPECT_EQ(file.get_u32(key).value(), 7u) << key;
        EXPECT_EQ(file.get_i32(key).value(), 7) << key;
        EXPECT_EQ(file.get_u64(key).value(), 7u) << key;
        EXPECT_EQ(file.get_i64(key).value(), 7) << key;
        EXPECT_EQ(file.get<uint8_t>(key).value(), 7u) << key;
    }
}

TEST(GgufReader, AnIntegerThatDoesNotFitIsAnErrorThatTellsTheRange) {
    test::RawLayout layout;
    const Bytes bytes = test::sample_gguf().build(&layout);
    const GgufFile file = parsed(bytes);
    const auto negative = file.get_u32("n.i8");
    ASSERT_FALSE(negative);
    EXPECT_EQ(negative.error().code, ErrorCode::corrupt_file);
    EXPECT_EQ(negative.error().message,
              fmt::format("test.gguf: metadata 'n.i8' at byte {}: the value is -100; 0 to 4294967295 are possible here",
                          layout.metadata[3].value));
    EXPECT_FALSE(file.get_i32("n.u32"));
    EXPECT_FALSE(file.get_i64("n.u64"));
    EXPECT_FALSE(file.get_i32("n.i64"));
    EXPECT_EQ(file.get_u64("n.u64").value(), uint64_t{1} << 63);
    EXPECT_EQ(file.get_i64("n.i64").value(), -5000000000);
}

TEST(GgufReader, FloatsGoBetweenTheirWidths) {
    RawGguf raw;
    raw.add("single", id::f32, 1e-5f).add("double", id::f64, 1e-5).add("big", id::f64, 1e300);
    raw.add("infinite", id::f64, std::numeric_limits<double>::infinity()).add("integer", id::u32, uint32_t{1});
    const Bytes bytes = raw.build();
    const GgufFile file = parsed(bytes);
    EXPECT_EQ(file.get_f32("single").value(), 1e-5f);
    EXPECT_EQ(file.get_f32("double").value(), 1e-5f);
    EXPECT_EQ(file.get<double>("single").value(), static_cast<double>(1e-5f));
    EXPECT_TRUE(std::isinf(file.get_f32("infinite").value()));
    ASSERT_FALSE(file.get_f32("big"));
    expect_contains(file.get_f32("big").error().message, "the value is 1e+300");
    ASSERT_FALSE(file.get_f32("integer"));
    expect_contains(file.get_f32("integer").error().message, "is a uint32; a float is expected");
}

TEST(GgufReader, AWrongTypeIsAnErrorThatNamesBoth) {
    test::RawLayout layout;
    const Bytes bytes = test::sample_gguf().build(&layout);
    const GgufFile file = parsed(bytes);
    const auto text = file.get_u32("general.architecture");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::corrupt_file);
    EXPECT_EQ(text.error().message,
              fmt::format("test.gguf: metadata 'general.architecture' at byte {} is a string; an integer is expected",
                          layout.metadata[0].value));
    expect_contains(file.get_string("n.i32").error().message, "'n.i32' at byte");
    expect_contains(file.get_string("n.i32").error().message, "is an int32; a string is expected");
    expect_contains(file.get_bool("n.u8").error().message, "is a uint8; a bool is expected");
    expect_contains(file.get_u32("n.bool").error().message, "is a bool; an integer is expected");
    expect_contains(file.get_u32("a.u32").error().message, "is an array of 3 uint32s; an integer is expected");
    expect_contains(file.get_string_array("a.u32").error().message, "an array of strings is expected");
    expect_contains(file.get_i32_array("a.string").error().message, "an array of integers is expected");
    expect_contains(file.get_i32_array("n.u8").error().message, "an array of integers is expected");
    // Empty, but of floats all the same.
    expect_contains(file.get_i32_array("a.f32").error().message, "is an array of 0 float32s");
    EXPECT_TRUE(file.get_f32_array("a.f32").value().empty());
}

TEST(GgufReader, AMissingKeyIsAnErrorOrTheFallback) {
    const Bytes bytes = test::sample_gguf().build();
    const GgufFile file = parsed(bytes);
    const auto missing = file.get_u32("mamba.ssm.inner_size");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::corrupt_file);
    EXPECT_EQ(missing.error().message, "test.gguf: there is no metadata 'mamba.ssm.inner_size'; an integer is expected");
    EXPECT_EQ(file.get_u32("mamba.ssm.inner_size", 5).value(), 5u);
    EXPECT_EQ(file.get_string("absent", "fallback").value(), "fallback");
    EXPECT_EQ(file.get_optional<float>("absent").value(), std::nullopt);
    EXPECT_EQ(file.get_optional<uint32_t>("n.u8").value(), std::optional<uint32_t>(200));
    // A key that is there and wrong is no missing key.
    EXPECT_FALSE(file.get_u32("general.architecture", 5));
    EXPECT_FALSE(file.get_optional<bool>("general.architecture"));
}

TEST(GgufReader, ArraysConvertElementByElement) {
    RawGguf raw;
    raw.add_array<int32_t>("types", id::i32, {1, 3, 6}).add_array<int64_t>("wide", id::i64, {1, -1, 5000000000});
    raw.add_array<double>("scores", id::f64, {0.5, -1.5}).add_array<std::string>("tokens", id::string, {"a", "b"});
    raw.add_array<uint8_t>("flags", id::boolean, {0, 1});
    const Bytes bytes = raw.build();
    const GgufFile file = parsed(bytes);
    EXPECT_EQ(file.get_u32_array("types").value(), (std::vector<uint32_t>{1, 3, 6}));
    EXPECT_EQ(file.get<std::vector<int64_t>>("types").value(), (std::vector<int64_t>{1, 3, 6}));
    EXPECT_EQ(file.get_f32_array("scores").value(), (std::vector<float>{0.5f, -1.5f}));
    EXPECT_EQ(file.get<std::vector<bool>>("flags").value(), (std::vector<bool>{false, true}));
    EXPECT_EQ(file.get_string_array("tokens").value()[1], "b");
    expect_contains(file.get_i32_array("wide").error().message, "element 2 is 5000000000; -2147483648 to 2147483647");
}

TEST(GgufReader, ViewsOutliveAMove) {
    const Bytes bytes = test::sample_gguf().build();
    GgufFile first = parsed(bytes);
    const std::string_view short_string = first.get_string("general.architecture").value();
    const auto strings = first.get_string_array("a.string").value();
    const GgufFile second = std::move(first);
    EXPECT_EQ(short_string, "mamba");
    EXPECT_EQ(strings[2], "yz");
    EXPECT_EQ(second.get_u32("n.u8").value(), 200u);
    EXPECT_EQ(second.tensor("b").value()->name, "b");
}

TEST(GgufReader, AMissingTensorIsAnErrorThatNamesIt) {
    const Bytes bytes = test::sample_gguf().build();
    const GgufFile file = parsed(bytes);
    ASSERT_FALSE(file.tensor("blk.0.ssm_a"));
    EXPECT_EQ(file.tensor("blk.0.ssm_a").error().code, ErrorCode::corrupt_file);
    EXPECT_EQ(file.tensor("blk.0.ssm_a").error().message, "test.gguf: there is no tensor 'blk.0.ssm_a' among its 3");
}

TEST(GgufReader, OpenTellsWhichFileAndWhy) {
    const std::filesystem::path folder = testing::TempDir();
    const auto missing = GgufFile::open(folder / "no-such-model.gguf");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    expect_contains(missing.error().message, "no-such-model.gguf': No such file or directory");
    ASSERT_FALSE(GgufFile::open(folder));
    EXPECT_EQ(GgufFile::open(folder).error().code, ErrorCode::invalid_argument);
    expect_contains(GgufFile::open(folder).error().message, "is a directory");

    const std::filesystem::path empty = folder / "krait-empty.gguf";
    std::ofstream(empty).close();
    ASSERT_FALSE(GgufFile::open(empty));
    EXPECT_EQ(GgufFile::open(empty).error().code, ErrorCode::corrupt_file);
    expect_contains(GgufFile::open(empty).error().message, "krait-empty.gguf' is empty");
    std::filesystem::remove(empty);
}

TEST(GgufValueText, IsFitForATerminal) {
    EXPECT_EQ(to_string(GgufValue(uint8_t{7})), "7");
    EXPECT_EQ(to_string(GgufValue(int8_t{-7})), "-7");
    EXPECT_EQ(to_string(GgufValue(true)), "true");
    EXPECT_EQ(to_string(GgufValue(1e-5f)), "1e-05");
    EXPECT_EQ(to_string(GgufValue(std::string("a\n\x1b[31m\\"))), "\"a\\n\\x1b[31m\\\\\"");
    EXPECT_EQ(to_string(GgufValue(std::string("\xC4\xA0the \xFF"))), "\"\xC4\xA0the \\xff\"");
    EXPECT_EQ(to_string(GgufValue(std::string("\xC2\x9B"))), "\"\\xc2\\x9b\"");                        // a C1 control character
    EXPECT_EQ(to_string(GgufValue(std::string("\xED\xA0\x80"))), "\"\\xed\\xa0\\x80\"");               // a surrogate
    EXPECT_EQ(to_string(GgufValue(std::string("abc\xC3\xBC")), 6, 4), "\"abc\"... (5 bytes in all)");  // never half a character
    EXPECT_EQ(to_string(GgufValue(GgufArray(std::vector<int32_t>{1, 2, 3}))), "[1, 2, 3]");
    EXPECT_EQ(to_string(GgufValue(GgufArray(std::vector<int32_t>{1, 2, 3})), 2), "[1, 2, ... 3 in all]");
    EXPECT_EQ(to_string(GgufValue(GgufArray(std::vector<bool>{true, false}))), "[true, false]");
    EXPECT_EQ(quote_name(std::string(100, 'x'), 3), "'xxx'... (100 bytes in all)");
}

}  // namespace
}  // namespace krait
