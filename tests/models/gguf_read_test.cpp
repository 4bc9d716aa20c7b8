// SPDX-License-Identifier: Apache-2.0
//
// A GGUF file that is read, not mapped, offers the same: values, tensors, errors; and survives that the file shrinks.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "models/model.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/models/gguf_bytes.hpp"

namespace krait {
namespace {

using test::Bytes;

class GgufReadTest : public testing::Test {
  protected:
    void SetUp() override { path_ = std::filesystem::path(testing::TempDir()) / fmt::format("krait-read-{}.gguf", ::getpid()); }
    void TearDown() override { std::filesystem::remove(path_); }

    void write(std::span<const std::byte> bytes) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    Result<GgufFile> read() const { return GgufFile::open(path_, FileAccess::read); }
    Result<GgufFile> mapped() const { return GgufFile::open(path_); }

    void expect_same() const {
        const auto one = mapped(), other = read();
        ASSERT_EQ(one.has_value(), other.has_value()) << (one ? other : one).error().message;
        if (!one) {
            EXPECT_EQ(other.error().code, one.error().code);
            EXPECT_EQ(other.error().message, one.error().message);
            return;
        }
        EXPECT_EQ(other->file_size(), one->file_size());
        EXPECT_EQ(other->data_offset(), one->data_offset());
        ASSERT_EQ(other->metadata().size(), one->metadata().size());
        for (size_t i = 0; i < one->metadata().size(); ++i)
            EXPECT_EQ(to_string(other->metadata()[i].value, SIZE_MAX, SIZE_MAX),
                      to_string(one->metadata()[i].value, SIZE_MAX, SIZE_MAX));
        ASSERT_EQ(other->tensors().size(), one->tensors().size());
        for (size_t i = 0; i < one->tensors().size(); ++i) {
            const GgufTensor &expected = one->tensors()[i], &tensor = other->tensors()[i];
            EXPECT_EQ(tensor.name, expected.name);
            EXPECT_EQ(tensor.byte_size(), expected.byte_size());
            EXPECT_TRUE(tensor.bytes.empty());
            const auto bytes = other->read(tensor);
            ASSERT_TRUE(bytes) << bytes.error().message;
            EXPECT_TRUE(std::ranges::equal(bytes->bytes, expected.bytes)) << tensor.name;
            const auto same = one->read(expected, 5);
            ASSERT_TRUE(same);
            EXPECT_EQ(same->bytes.data(), expected.bytes.data()) << "what is mapped is not copied";
            EXPECT_TRUE(std::ranges::equal(other->read(tensor, 5)->bytes, same->bytes));
        }
    }

    std::filesystem::path path_;
};

TEST_F(GgufReadTest, OffersTheSame) {
    write(test::sample_gguf().build().span());
    expect_same();
}

TEST_F(GgufReadTest, RefusesTheSame) {
    const Bytes bytes = test::sample_gguf().build();
    for (size_t size = 1; size < bytes.size(); size += 7) {
        SCOPED_TRACE(size);
        write(bytes.span().first(size));
        expect_same();
    }
}

// Headers beyond what is read first: metadata that are long, and counts and lengths that go past it and past the file.
TEST_F(GgufReadTest, ReadsHeadersOfAnyLength) {
    test::RawGguf raw = test::sample_gguf();
    Bytes strings;
    constexpr uint64_t kStrings = 300000;
    strings.put(test::gguf_id::string).put(kStrings);
    for (uint64_t i = 0; i < kStrings; ++i) strings.string(fmt::format("a token, number {}", i));
    raw.metadata.push_back({"long.strings", test::gguf_id::array, strings});
    Bytes numbers;
    numbers.put(test::gguf_id::u8).put(uint64_t{5} << 20).zeros(size_t{5} << 20);
    raw.metadata.push_back({"long.numbers", test::gguf_id::array, numbers});
    raw.metadata.push_back({"long.text", test::gguf_id::string, Bytes().string(std::string(size_t{9} << 20, 'x'))});
    const Bytes bytes = raw.build();
    ASSERT_GT(bytes.size(), size_t{20} << 20);
    write(bytes.span());
    expect_same();
    for (const size_t size : {size_t{3} << 20, size_t{6} << 20, size_t{12} << 20, bytes.size() - 1}) {
        SCOPED_TRACE(size);
        write(bytes.span().first(size));
        expect_same();
    }
}

std::vector<float> logits_of(const Model& model, std::shared_ptr<const Model> held) {
    auto session = Session::create(std::move(held));
    EXPECT_TRUE(session);
    const std::vector<int32_t> tokens{1, 2, 3, 4};
    EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = tokens}}));
    EXPECT_EQ(session->logits(0).size(), static_cast<size_t>(model.shape().n_vocab));
    return test::copy_of(session->logits(0));
}

TEST_F(GgufReadTest, ModelsAreTheSame) {
    for (const char* device : {"cpu", "reference"}) {
        const auto one = Model::load("tests/golden/mamba2.gguf", {.device = device});
        const auto other = Model::load("tests/golden/mamba2.gguf", {.device = device, .access = FileAccess::read});
        ASSERT_TRUE(one && other);
        EXPECT_EQ((*other)->hash(), (*one)->hash()) << "saved states would not go on";
        EXPECT_EQ(logits_of(**other, *other), logits_of(**one, *one));
    }
}

TEST_F(GgufReadTest, AFileThatShrinksIsAnError) {
    std::filesystem::copy_file("tests/golden/mamba.gguf", path_);
    auto file = read();
    ASSERT_TRUE(file);
    std::filesystem::resize_file(path_, file->file_size() - 100);
    const auto model = Model::load(std::make_unique<GgufFile>(std::move(*file)), {.device = "cpu"});
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::io);
    for (const char* words : {"tensor '", ".gguf' ends before byte ", "it was cut short while it was read"})
        EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
}

// Weights that were read stay when the file goes.
TEST_F(GgufReadTest, ALoadedModelNeedsNoFile) {
    std::filesystem::copy_file("tests/golden/mamba.gguf", path_);
    for (const char* device : {"cpu", "reference"}) {
        const auto model = Model::load(path_, {.device = device, .access = FileAccess::read});
        ASSERT_TRUE(model);
        const auto before = logits_of(**model, *model);
        std::filesystem::resize_file(path_, 1);
        EXPECT_EQ(logits_of(**model, *model), before);
        std::filesystem::copy_file("tests/golden/mamba.gguf", path_, std::filesystem::copy_options::overwrite_existing);
    }
}

}  // namespace
}  // namespace krait
