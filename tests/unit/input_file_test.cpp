// SPDX-License-Identifier: Apache-2.0
#include "core/base/input_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace krait {
namespace {

class InputFileTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("krait-input-" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const char* name, const std::string& content) {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }
    static Result<std::string> read(const InputFile& file, uint64_t offset, size_t size) {
        std::string text(size, '?');
        KRAIT_CHECK(file.read(offset, std::as_writable_bytes(std::span(text))));
        return text;
    }
    static void expect_failure(const auto& result, ErrorCode code, const std::string& part) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
    }

    std::filesystem::path folder_;
};

TEST_F(InputFileTest, ReadsAnyPart) {
    const auto file = InputFile::open(write("a", std::string("abc\0efg", 7)));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->size(), 7u);
    EXPECT_EQ(file->path(), folder_ / "a");
    file->will_need(2, 3);
    EXPECT_EQ(*read(*file, 0, 7), std::string("abc\0efg", 7));
    EXPECT_EQ(*read(*file, 2, 3), std::string("c\0e", 3));
    EXPECT_EQ(*read(*file, 7, 0), "");
}

TEST_F(InputFileTest, MovesAndCloses) {
    auto first = InputFile::open(write("a", "one")), second = InputFile::open(write("b", "two"));
    ASSERT_TRUE(first && second);
    const int closed = second->descriptor();
    *second = std::move(*first);
    EXPECT_FALSE(first->is_open());
    EXPECT_EQ(*read(*second, 0, 3), "one");
    EXPECT_EQ(::fcntl(closed, F_GETFD), -1) << "the file that it was before is open still";
    const int descriptor = second->descriptor();
    { const InputFile gone = std::move(*second); }
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

// With a mapping, this is what would kill the process.
TEST_F(InputFileTest, AFileThatShrinksIsAnError) {
    const auto path = write("a", std::string(10000, 'x'));
    const auto file = InputFile::open(path);
    ASSERT_TRUE(file);
    ASSERT_EQ(::truncate(path.c_str(), 6000), 0);
    EXPECT_TRUE(read(*file, 0, 6000));
    expect_failure(read(*file, 5000, 2000), ErrorCode::io,
                   "a' ends before byte 6001, and had 10000 bytes when it was opened: it was cut short while it was read");
    expect_failure(read(*file, 8000, 1), ErrorCode::io, "ends before byte 8001");
}

TEST_F(InputFileTest, SaysWhyAFileCannotBeOpened) {
    expect_failure(InputFile::open(folder_ / "none"), ErrorCode::not_found, "none': No such file or directory");
    expect_failure(InputFile::open(write("a", "x") / "b"), ErrorCode::not_found, "a/b': Not a directory");
    expect_failure(InputFile::open(folder_), ErrorCode::invalid_argument, "is a directory");
    expect_failure(InputFile::open(write("empty", "")), ErrorCode::corrupt_file, "empty' is empty (0 bytes)");
    expect_failure(InputFile::open(""), ErrorCode::invalid_argument, "the file name is empty");
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    expect_failure(InputFile::open(folder_ / "pipe"), ErrorCode::invalid_argument, "a regular file is needed");
}

}  // namespace
}  // namespace krait
