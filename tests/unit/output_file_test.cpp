// SPDX-License-Identifier: Apache-2.0
//
// OutputFile: whole or not at all. Links, long names, rights and streams: output_places_test.cpp.
#include "tests/unit/output_file_fixture.hpp"

namespace krait {
namespace {

class OutputFileTest : public OutputFileFixture {};

TEST_F(OutputFileTest, AppearsWhenFinished) {
    auto file = OutputFile::create(folder_ / "a");
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->write(bytes("hello ")));
    ASSERT_TRUE(file->write(bytes("world")));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
    EXPECT_EQ(file->position(), 11u);
    ASSERT_TRUE(file->finish());
    EXPECT_EQ(content("a"), "hello world");
    EXPECT_EQ(file_count(), 1u);
    EXPECT_FALSE(file->write(bytes("more")));
    EXPECT_FALSE(file->finish());
}

TEST_F(OutputFileTest, AHandlerCanRemoveWhatIsHalfWritten) {
    auto one = OutputFile::create(folder_ / "a"), two = OutputFile::create(folder_ / "b");
    ASSERT_TRUE(one && two);
    OutputFile moved = std::move(*one);
    ASSERT_TRUE(two->finish());
    EXPECT_EQ(file_count(), 2u);
    remove_partial_files();
    EXPECT_EQ(file_count(), 1u);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "b"));
    EXPECT_FALSE(moved.finish());
}

TEST_F(OutputFileTest, LeavesNothingWhenAbandoned) {
    std::ofstream(folder_ / "a") << "old";
    {
        auto file = OutputFile::create(folder_ / "a");
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->write(bytes("new")));
        OutputFile moved = std::move(*file);
        EXPECT_EQ(file_count(), 2u);
    }
    EXPECT_EQ(content("a"), "old");
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputFileTest, WritesAnywhere) {
    auto file = OutputFile::create(folder_ / "a");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write_at(4, bytes("efgh")));
    ASSERT_TRUE(file->write(bytes("ij")));
    ASSERT_TRUE(file->write_at(0, bytes("ab")));
    ASSERT_TRUE(file->finish());
    EXPECT_EQ(content("a"), std::string("ab\0\0efghij", 10));
}

TEST_F(OutputFileTest, RefusesToOverwriteWhatIsRead) {
    std::ofstream(folder_ / "model") << "weights";
    std::filesystem::create_symlink(folder_ / "model", folder_ / "link");
    std::filesystem::create_hard_link(folder_ / "model", folder_ / "twin");
    std::ofstream(folder_ / "other") << "text";
    for (const char* target : {"model", "link", "twin"}) {
        const auto refused = refuse_overwrite(folder_ / target, {folder_ / "other", folder_ / "model"});
        ASSERT_FALSE(refused) << target;
        EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(refused.error().message.find(target), std::string::npos) << refused.error().message;
    }
    EXPECT_TRUE(refuse_overwrite(folder_ / "new", {folder_ / "model", folder_ / "absent", "", "-"}));
    EXPECT_TRUE(refuse_overwrite(folder_ / "other", {folder_ / "model", ""}));
}

}  // namespace
}  // namespace krait
