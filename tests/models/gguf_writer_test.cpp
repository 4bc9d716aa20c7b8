// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <numeric>

#include "formats/gguf/gguf_reader.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

class GgufWriterTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("krait-writer-" + std::to_string(::getpid()));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directory(folder_);
        target_ = folder_ / "out.gguf";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    GgufWriter create() {
        auto writer = GgufWriter::create(target_);
        if (!writer) ADD_FAILURE() << writer.error().message;
        return std::move(writer).value();
    }
    [[nodiscard]] std::vector<std::string> names_in_folder() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
        return names;
    }
    static std::vector<std::byte> counting_bytes(size_t size) {
        std::vector<std::byte> bytes(size);
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + size);
        return bytes;
    }
    static void expect_ok(const Result<void>& result) { EXPECT_TRUE(result) << result.error().message; }
    static void expect_failure(const Result<void>& result, ErrorCode code, const std::string& part) {
        ASSERT_FALSE(result) << part;
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    }
    static void expect_misuse(const Result<void>& result, const std::string& part) {
        expect_failure(result, ErrorCode::invalid_argument, part);
    }

    std::filesystem::path folder_, target_;
};

// One statement an entry: as one braced list of variants, g++ 12 takes gigabytes to compile it.
std::vector<GgufMetadata> every_kind_of_metadata() {
    std::vector<GgufMetadata> all;
    const auto add = [&all](const char* key, GgufValue value) { all.push_back({key, std::move(value), 0}); };
    const auto add_array = [&all](const char* key, GgufArray array) { all.push_back({key, GgufValue(std::move(array)), 0}); };
    add("u8", uint8_t{255});
    add("i8", int8_t{-128});
    add("u16", uint16_t{65535});
    add("i16", int16_t{-32768});
    add("u32", uint32_t{4294967295u});
    add("i32", int32_t{-5});
    add("f32", 1e-5f);
    add("bool", true);
    add("string", std::string("\xC3\xBC\0x", 4));
    add("u64", UINT64_MAX);
    add("i64", INT64_MIN);
    add("f64", 1e-300);
    add("empty", std::string());
    add_array("a.u8", std::vector<uint8_t>{1, 2});
    add_array("a.i8", std::vector<int8_t>{-1, 2});
    add_array("a.u16", std::vector<uint16_t>{1, 60000});
    add_array("a.i16", std::vector<int16_t>{-1, 2});
    add_array("a.u32", std::vector<uint32_t>{1, 4000000000u});
    add_array("a.i32", std::vector<int32_t>{-1, 2});
    add_array("a.f32", std::vector<float>{0.5f, -0.0f});
    add_array("a.bool", std::vector<bool>{true, false, true});
    add_array("a.string", std::vector<std::string>{"", "a", std::string(1000, 'x')});
    add_array("a.u64", std::vector<uint64_t>{UINT64_MAX});
    add_array("a.i64", std::vector<int64_t>{INT64_MIN});
    add_array("a.f64", std::vector<double>{1e300});
    add_array("a.none", std::vector<std::string>());
    return all;
}

TEST_F(GgufWriterTest, TheReaderReadsWhatWasWritten) {
    struct Tensor {
        const char* name;
        DType dtype;
        std::vector<int64_t> extents;
        size_t bytes;
    };
    const std::vector<Tensor> tensors = {{"odd", DType::F32, {3}, 12},
                                         {"matrix", DType::Q8_0, {3, 64}, 204},
                                         {"four", DType::F16, {2, 1, 3, 5}, 60},
                                         {"k", DType::Q4_K, {1, 512}, 288},
                                         {"ids", DType::I32, {1}, 4}};
    const std::vector<GgufMetadata> metadata = every_kind_of_metadata();
    for (const uint32_t alignment : {8u, 32u, 4096u}) {
        GgufWriter writer = create();
        for (const GgufMetadata& entry : metadata) expect_ok(writer.add(entry.key, entry.value));
        if (alignment != kGgufDefaultAlignment) expect_ok(writer.add("general.alignment", alignment));
        for (const Tensor& t : tensors) expect_ok(writer.declare(t.name, t.dtype, t.extents));
        for (const Tensor& t : tensors) expect_ok(writer.write_tensor(t.name, counting_bytes(t.bytes)));
        expect_ok(writer.finish());
        EXPECT_EQ(std::filesystem::file_size(target_), writer.bytes_written());
        EXPECT_EQ(names_in_folder(), std::vector<std::string>{"out.gguf"});

        const auto file = GgufFile::open(target_);
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->version(), 3u);
        EXPECT_EQ(file->alignment(), alignment);
        ASSERT_GE(file->metadata().size(), metadata.size());
        for (size_t i = 0; i < metadata.size(); ++i) {
            EXPECT_EQ(file->metadata()[i].key, metadata[i].key);
            EXPECT_EQ(file->metadata()[i].value, metadata[i].value) << file->metadata()[i].key;
        }
        ASSERT_EQ(file->tensors().size(), tensors.size());
        for (size_t i = 0; i < tensors.size(); ++i) {
            const GgufTensor& read = file->tensors()[i];
            EXPECT_EQ(read.name, tensors[i].name);
            EXPECT_EQ(read.dtype(), tensors[i].dtype);
            EXPECT_EQ(std::vector<int64_t>(read.extents().begin(), read.extents().end()), tensors[i].extents);
            const std::vector<std::byte> expected = counting_bytes(tensors[i].bytes);
            EXPECT_TRUE(std::equal(read.bytes.begin(), read.bytes.end(), expected.begin(), expected.end())) << read.name;
        }
    }
}

TEST_F(GgufWriterTest, AFileThatWasReadCanBeWrittenAgain) {
    const auto source = GgufFile::open(std::filesystem::path(test::kTestsFolder) / "models" / "data" / "made_by_gguf_py.gguf");
    ASSERT_TRUE(source) << source.error().message;
    GgufWriter writer = create();
    for (const GgufMetadata& entry : source->metadata()) expect_ok(writer.add(entry.key, entry.value));
    for (const GgufTensor& t : source->tensors()) expect_ok(writer.declare(t.name, t.dtype(), t.extents()));
    for (const GgufTensor& t : source->tensors()) expect_ok(writer.write_tensor(t.name, t.bytes));
    expect_ok(writer.finish());
    // The Python package lays a file out in the same way, to the last byte of padding.
    const auto copy = MappedFile::open(target_);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_TRUE(std::equal(copy->bytes().begin(), copy->bytes().end(), source->bytes().begin(), source->bytes().end()));
}

TEST_F(GgufWriterTest, PartsMakeATensor) {
    const std::vector<std::byte> bytes = counting_bytes(400);
    GgufWriter writer = create();
    expect_ok(writer.declare("a", DType::F32, {100}));
    expect_ok(writer.declare("b", DType::F32, {1}));
    expect_ok(writer.write_part("a", std::span(bytes).first(7)));
    expect_ok(writer.write_part("a", {}));
    expect_ok(writer.write_part("a", std::span(bytes).subspan(7, 300)));
    expect_misuse(writer.write_part("b", std::span(bytes).first(4)), "'a' is next, with 307 of 400 bytes written");
    expect_misuse(writer.write_part("a", bytes), "400 bytes are given, and 93 of its 400 are missing");
    expect_misuse(writer.finish(), "tensor 'a' has 307 of 400 bytes, and 1 more tensors follow it");
    expect_ok(writer.write_part("a", std::span(bytes).subspan(307)));
    expect_ok(writer.write_part("b", std::span(bytes).first(4)));
    expect_ok(writer.finish());
    const auto file = GgufFile::open(target_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file->tensors()[0].bytes.begin(), file->tensors()[0].bytes.end()));
}

TEST_F(GgufWriterTest, AFileWithoutTensorsIsAFile) {
    GgufWriter writer = create();
    expect_ok(writer.add("general.type", std::string("vocabulary")));
    expect_ok(writer.finish());
    const auto file = GgufFile::open(target_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->get_string("general.type").value(), "vocabulary");
}

TEST_F(GgufWriterTest, RefusesWrongDeclarations) {
    GgufWriter writer = create();
    expect_ok(writer.add("k", uint32_t{1}));
    expect_misuse(writer.add("k", uint32_t{2}), "metadata 'k' is there already");
    expect_misuse(writer.add("", uint32_t{2}), "1 to 65535 bytes");
    expect_misuse(writer.add(std::string(65536, 'k'), uint32_t{2}), "1 to 65535 bytes");
    expect_misuse(writer.add("list", GgufArray(std::monostate())), "without an element type");
    expect_misuse(writer.add("general.alignment", uint32_t{24}), "a power of two from 8 to 1048576");
    expect_misuse(writer.add("general.alignment", uint32_t{4}), "is 4");
    expect_misuse(writer.add("general.alignment", std::string("32")), "a uint32 is needed");
    expect_ok(writer.declare("t", DType::F32, {4}));
    expect_misuse(writer.declare("t", DType::F32, {4}), "tensor 't' is there already");
    expect_misuse(writer.declare("", DType::F32, {4}), "1 to 65535 bytes");
    expect_misuse(writer.declare("u", DType::F32, std::span<const int64_t>()), "tensor 'u': rank 0");
    expect_misuse(writer.declare("u", DType::F32, {1, 1, 1, 1, 1}), "tensor 'u': rank 5");
    expect_misuse(writer.declare("u", DType::F32, {4, 0}), "an extent is 0");
    expect_misuse(writer.declare("u", DType::F32, {4, -1}), "is negative");
    expect_misuse(writer.declare("u", DType::F32, {int64_t{1} << 40, int64_t{1} << 40}), "more elements than can be addressed");
    expect_misuse(writer.declare("u", DType::Q8_0, {4, 33}), "not a whole number of Q8_0 blocks");
    expect_misuse(writer.declare("u", static_cast<DType>(77), {4}), "unknown element type 77");
    // None of these has done harm.
    expect_ok(writer.write_tensor("t", counting_bytes(16)));
    expect_ok(writer.finish());
    EXPECT_TRUE(GgufFile::open(target_));
}

TEST_F(GgufWriterTest, RefusesBytesThatDoNotFitTheDeclaration) {
    GgufWriter writer = create();
    expect_ok(writer.declare("t", DType::F32, {4}));
    expect_misuse(writer.write_tensor("other", counting_bytes(16)), "tensor 'other' comes out of turn: 't' is next");
    expect_misuse(writer.write_tensor("t", counting_bytes(15)), "15 bytes are given, and 16 are needed (F32 [4])");
    expect_misuse(writer.write_tensor("t", counting_bytes(17)), "17 bytes are given");
    expect_misuse(writer.finish(), "is not complete: tensor 't' has 0 of 16 bytes");
    expect_ok(writer.write_tensor("t", counting_bytes(16)));
    expect_misuse(writer.write_tensor("t", counting_bytes(16)), "all 1 tensors");
    expect_misuse(writer.add("late", uint32_t{1}), "tensor data has begun");
    expect_misuse(writer.declare("late", DType::F32, {1}), "tensor data has begun");
    expect_ok(writer.finish());
    expect_misuse(writer.finish(), "is finished");
    expect_misuse(writer.add("later", uint32_t{1}), "is finished");
    expect_misuse(writer.write_tensor("t", counting_bytes(16)), "is finished");
}

TEST_F(GgufWriterTest, WithoutFinishTheTargetStaysAsItWas) {
    std::ofstream(target_) << "precious";
    {
        GgufWriter writer = create();
        EXPECT_EQ(names_in_folder().size(), 2u);
        expect_ok(writer.declare("t", DType::F32, {4}));
        expect_ok(writer.write_tensor("t", counting_bytes(16)));
        GgufWriter moved = std::move(writer);
        EXPECT_EQ(names_in_folder().size(), 2u);
    }
    EXPECT_EQ(names_in_folder(), std::vector<std::string>{"out.gguf"});
    std::string content;
    std::ifstream(target_) >> content;
    EXPECT_EQ(content, "precious");
}

TEST_F(GgufWriterTest, ReplacesAFileAndFollowsALink) {
    std::ofstream(folder_ / "real.gguf") << "old";
    std::filesystem::create_symlink("real.gguf", target_);
    GgufWriter writer = create();
    expect_ok(writer.add("k", uint32_t{1}));
    expect_ok(writer.finish());
    EXPECT_TRUE(std::filesystem::is_symlink(target_));
    EXPECT_TRUE(GgufFile::open(folder_ / "real.gguf"));
    // Two writers of one target do not meet in one temporary file.
    GgufWriter first = create(), second = create();
    expect_ok(first.add("k", uint32_t{1}));
    expect_ok(second.add("k", uint32_t{2}));
    expect_ok(first.finish());
    expect_ok(second.finish());
    EXPECT_EQ(GgufFile::open(target_)->get_u32("k").value(), 2u);
    EXPECT_EQ(names_in_folder().size(), 2u);
}

TEST_F(GgufWriterTest, HasTheRightsOfANewFile) {
    GgufWriter writer = create();
    expect_ok(writer.finish());
    std::ofstream(folder_ / "plain") << "x";
    EXPECT_EQ(std::filesystem::status(target_).permissions(), std::filesystem::status(folder_ / "plain").permissions());
}

TEST_F(GgufWriterTest, SaysWhyTheTargetCannotBeMade) {
    const auto expect_refused = [](const std::filesystem::path& path, ErrorCode code, const char* part) {
        const auto writer = GgufWriter::create(path);
        ASSERT_FALSE(writer) << path;
        EXPECT_EQ(writer.error().code, code) << writer.error().message;
        EXPECT_NE(writer.error().message.find(part), std::string::npos) << writer.error().message;
    };
    expect_refused(folder_ / "none" / "out.gguf", ErrorCode::io, "No such file or directory");
    expect_refused(folder_, ErrorCode::invalid_argument, "is a directory");
    expect_refused(folder_ / "", ErrorCode::invalid_argument, "no file name");
    expect_refused("", ErrorCode::invalid_argument, "no file name");
}

TEST_F(GgufWriterTest, WritesToADevice) {
    auto writer = GgufWriter::create("/dev/null");
    ASSERT_TRUE(writer) << writer.error().message;
    expect_ok(writer->add("k", uint32_t{1}));
    expect_ok(writer->finish());
}

// A limit on the size of files stands in for a full disk: writes fail in the same places.
TEST_F(GgufWriterTest, AFullDiskIsAnErrorAndLeavesNothingBehind) {
    struct rlimit before {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 8192;
    for (const int64_t floats : {1000, 100000}) {  // fails when the buffer is flushed, and inside a write
        GgufWriter writer = create();
        expect_ok(writer.declare("t", DType::F32, {3, floats}));
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
        const std::vector<std::byte> bytes = counting_bytes(static_cast<size_t>(floats) * 12);
        Result<void> result = writer.write_tensor("t", bytes);
        if (result) result = writer.finish();
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
        expect_failure(result, ErrorCode::unavailable, "cannot write '" + target_.string());
        expect_failure(result, ErrorCode::unavailable, "File too large");
        EXPECT_TRUE(names_in_folder().empty());
        expect_misuse(writer.finish(), "has failed");
    }
    std::signal(SIGXFSZ, old_handler);
}

}  // namespace
}  // namespace krait
