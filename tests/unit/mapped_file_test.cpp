// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace krait {
namespace {

class MappedFileTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("krait-mapped-" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const char* name, const std::string& content) {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }
    static std::string text(const MappedFile& file) {
        return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
    }
    static void expect_failure(const Result<MappedFile>& result, ErrorCode code, const std::string& part) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    }

    std::filesystem::path folder_;
};

TEST_F(MappedFileTest, GivesTheBytesOfTheFile) {
    const auto file = MappedFile::open(write("a", std::string("x\0y", 3)));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(text(*file), std::string("x\0y", 3));
    EXPECT_EQ(file->size(), 3u);
    EXPECT_EQ(file->path(), folder_ / "a");
}

TEST_F(MappedFileTest, MovesKeepTheAddress) {
    auto first = MappedFile::open(write("a", "one"));
    auto second = MappedFile::open(write("b", "two"));
    ASSERT_TRUE(first && second);
    const std::byte* const address = first->bytes().data();
    MappedFile moved = std::move(*first);
    EXPECT_EQ(moved.bytes().data(), address);
    EXPECT_TRUE(first->bytes().empty());
    *second = std::move(moved);
    EXPECT_EQ(second->bytes().data(), address);
    EXPECT_EQ(text(*second), "one");
}

TEST_F(MappedFileTest, StaysReadableWhenTheNameIsGone) {
    const auto file = MappedFile::open(write("a", "still here"));
    ASSERT_TRUE(file);
    std::filesystem::remove(folder_ / "a");
    EXPECT_EQ(text(*file), "still here");
}

TEST_F(MappedFileTest, AdviceChangesNoByte) {
    std::string content(50000, 'a');
    for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 251);
    const auto file = MappedFile::open(write("a", content));
    ASSERT_TRUE(file);
    using Advice = MappedFile::Advice;
    for (const Advice advice : {Advice::sequential, Advice::random, Advice::will_need, Advice::dont_need, Advice::normal}) {
        file->advise(advice);
        file->advise(advice, file->bytes().subspan(5000, 20000));
        file->advise(advice, file->bytes().subspan(5000, 1));
        file->advise(advice, file->bytes().last(1));
        EXPECT_EQ(text(*file), content);
    }
    // Memory that is not of this file is left alone.
    const std::string other(10000, 'o');
    file->advise(Advice::dont_need, std::as_bytes(std::span(other)));
    EXPECT_EQ(other, std::string(10000, 'o'));
}

TEST_F(MappedFileTest, SaysWhyAFileCannotBeOpened) {
    expect_failure(MappedFile::open(folder_ / "none"), ErrorCode::not_found, "none': No such file or directory");
    expect_failure(MappedFile::open(write("a", "x") / "b"), ErrorCode::not_found, "a/b': Not a directory");
    expect_failure(MappedFile::open(folder_), ErrorCode::invalid_argument, "is a directory");
    expect_failure(MappedFile::open(write("empty", "")), ErrorCode::corrupt_file, "empty' is empty (0 bytes)");
    expect_failure(MappedFile::open(""), ErrorCode::invalid_argument, "the file name is empty");
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    expect_failure(MappedFile::open(folder_ / "pipe"), ErrorCode::invalid_argument, "a regular file is needed");
    if (::geteuid() != 0) {  // root may read anything
        std::filesystem::permissions(write("secret", "x"), std::filesystem::perms::none);
        expect_failure(MappedFile::open(folder_ / "secret"), ErrorCode::io, "secret': Permission denied");
    }
}

}  // namespace
}  // namespace krait
