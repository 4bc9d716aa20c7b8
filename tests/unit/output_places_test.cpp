// SPDX-License-Identifier: Apache-2.0
//
// Places that an output's path may name: links, names as long as they may be, files whose folder cannot be written, pipes and
// devices. cp is the measure.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <thread>

#include "tests/unit/output_file_fixture.hpp"

namespace krait {
namespace {

class OutputPlaces : public OutputFileFixture {
  protected:
    void link(const std::string& to, const std::string& name) const { std::filesystem::create_symlink(to, folder_ / name); }
    struct stat status(const std::string& name) const {
        struct stat found {};
        EXPECT_EQ(::lstat((folder_ / name).c_str(), &found), 0) << name;
        return found;
    }
    mode_t mode(const std::string& name) const { return status(name).st_mode & 07777; }
    static void expect_refused(const std::filesystem::path& path, ErrorCode code, std::string_view words) {
        const auto file = OutputFile::create(path);
        ASSERT_FALSE(file) << path;
        EXPECT_EQ(file.error().code, code) << file.error().message;
        EXPECT_NE(file.error().message.find(words), std::string::npos) << file.error().message;
        EXPECT_NE(file.error().message.find("'" + path.string() + "'"), std::string::npos) << file.error().message;
        EXPECT_EQ(file.error().message.find("partial"), std::string::npos) << file.error().message;
        EXPECT_FALSE(OutputFile::check(path)) << path;
    }
    // In a child process, where rights, limits and standard output may change, for root as a user without rights; `body` says
    // what went wrong, or nothing.
    static std::string in_child(const std::function<std::string()>& body) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            constexpr uid_t kNobody = 65534;
            std::string said;
            if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) said = "cannot become another user";
            else said = body();
            (void)!::write(ends[1], said.data(), said.size());
            ::_exit(0);
        }
        ::close(ends[1]);
        const std::string said = read_all(ends[0]);
        ::close(ends[0]);
        int state = 0;
        ::waitpid(child, &state, 0);
        return WIFEXITED(state) ? said : "the child was killed";
    }
    static std::string read_all(int fd) {
        std::string text;
        char block[4096];
        for (ssize_t n = 0; (n = ::read(fd, block, sizeof block)) > 0;) text.append(block, static_cast<size_t>(n));
        return text;
    }
    static std::string said(const Result<void>& result) { return result ? std::string() : result.error().message; }
};

// ---- links -----------------------------------------------------------------------------------------------------------------

TEST_F(OutputPlaces, LinksStayAndTheirFileIsReplaced) {
    put("real", "old");
    std::filesystem::create_directory(folder_ / "below");
    link(folder_ / "real", "absolute");
    link("real", "relative");
    link("../real", "below/up");
    link("below/up", "chain");
    for (const char* name : {"absolute", "relative", "below/up", "chain"}) {
        ASSERT_TRUE(write(folder_ / name, name));
        EXPECT_EQ(content("real"), name);
        EXPECT_TRUE(S_ISLNK(status(name).st_mode)) << name;
    }
    EXPECT_EQ(file_count(), 5u);
}

TEST_F(OutputPlaces, LinksToNothingAreRefused) {
    link("nothing", "dangling");
    link("dangling", "chain");
    link("no/such/folder", "far");
    expect_refused(folder_ / "dangling", ErrorCode::io, (folder_ / "nothing").string() + "', which is not there");
    expect_refused(folder_ / "chain", ErrorCode::io, "'" + (folder_ / "nothing").string());
    expect_refused(folder_ / "far", ErrorCode::io, "which is not there");
    EXPECT_EQ(file_count(), 3u);
    EXPECT_TRUE(S_ISLNK(status("dangling").st_mode));
    link("two", "one");
    link("one", "two");
    expect_refused(folder_ / "one", ErrorCode::io, "Too many levels of symbolic links");
}

TEST_F(OutputPlaces, WhatIsNoFileIsRefused) {
    std::filesystem::create_directory(folder_ / "below");
    link("below", "to_folder");
    expect_refused(folder_ / "below", ErrorCode::invalid_argument, "it is a directory");
    expect_refused(folder_ / "to_folder", ErrorCode::invalid_argument, "it is a directory");
    expect_refused("", ErrorCode::invalid_argument, "no file name");
    expect_refused(folder_ / "missing" / "a", ErrorCode::io, "No such file");
    expect_refused("/dev/fd/987", ErrorCode::io, "No such file");
    EXPECT_EQ(file_count(), 2u);
}

// ---- names -----------------------------------------------------------------------------------------------------------------

TEST_F(OutputPlaces, NamesMayBeAsLongAsTheFolderTakes) {
    const std::string letters(255, 'n');
    std::string signs;  // of three bytes each
    for (int i = 0; i < 85; ++i) signs += "\xE2\x82\xAC";
    for (const std::string& name : {letters, signs}) {
        auto file = OutputFile::create(folder_ / name);
        ASSERT_TRUE(file) << file.error().message;
        const std::string partial = std::filesystem::directory_iterator(folder_)->path().filename();
        EXPECT_LE(partial.size(), 255u);
        EXPECT_GT(partial.size(), 250u);
        const size_t cut = partial.find('.');
        EXPECT_EQ(partial.substr(0, cut), name.substr(0, cut));
        if (name == signs) {
            EXPECT_EQ(cut % 3, 0u) << partial;
        }
        ASSERT_TRUE(file->write(bytes("new")));
        ASSERT_TRUE(file->finish());
        EXPECT_EQ(content(name), "new");
        ASSERT_TRUE(write(folder_ / name, "newer"));
        EXPECT_EQ(content(name), "newer");
        std::filesystem::remove(folder_ / name);
    }
    expect_refused(folder_ / std::string(256, 'n'), ErrorCode::io, "File name too long");
    EXPECT_EQ(file_count(), 0u);
}

// ---- rights ----------------------------------------------------------------------------------------------------------------

TEST_F(OutputPlaces, AFileKeepsItsRightsAndItsOwner) {
    for (const mode_t rights : {0600u, 0644u, 0640u, 0755u, 0666u}) {
        put("a", "old");
        ASSERT_EQ(::chmod((folder_ / "a").c_str(), rights), 0);
        ASSERT_TRUE(write(folder_ / "a", "new"));
        EXPECT_EQ(content("a"), "new");
        EXPECT_EQ(mode("a"), rights);
    }
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown((folder_ / "a").c_str(), 1234, 4321), 0);
        ASSERT_TRUE(write(folder_ / "a", "newer"));
        EXPECT_EQ(status("a").st_uid, 1234u);
        EXPECT_EQ(status("a").st_gid, 4321u);
    }
    const mode_t mask = ::umask(0027);
    ASSERT_TRUE(write(folder_ / "fresh", "new"));
    ::umask(mask);
    EXPECT_EQ(mode("fresh"), 0640u);
}

TEST_F(OutputPlaces, AFileInAFolderThatCannotBeWrittenIsWrittenInPlace) {
    put("a", "something old and long");
    ASSERT_EQ(::chmod((folder_ / "a").c_str(), 0666), 0);
    const ino_t before = status("a").st_ino;
    ASSERT_EQ(::chmod(folder_.c_str(), 0555), 0);
    EXPECT_EQ(in_child([&] { return said(write(folder_ / "a", "new")); }), "");
    EXPECT_EQ(content("a"), "new");
    EXPECT_EQ(in_child([&] { return said(write(folder_ / "a", std::string(3'000'000, 'x'))); }), "");
    EXPECT_EQ(content("a"), std::string(3'000'000, 'x'));
    EXPECT_EQ(status("a").st_ino, before);
    EXPECT_EQ(mode("a"), 0666u);
    // A file that is not finished changes nothing.
    EXPECT_EQ(in_child([&]() -> std::string {
                  auto file = OutputFile::create(folder_ / "a");
                  if (!file) return file.error().message;
                  return said(file->write(bytes("never finished")));
              }),
              "");
    EXPECT_EQ(content("a"), std::string(3'000'000, 'x'));
    EXPECT_EQ(in_child([&] { return said(write(folder_ / "b", "new")); }),
              fmt::format("cannot write '{}': Permission denied", (folder_ / "b").string()));
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputPlaces, AFileThatCannotBeWrittenIsNotReplaced) {
    put("a", "old");
    ASSERT_EQ(::chmod((folder_ / "a").c_str(), 0444), 0);
    ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
    EXPECT_EQ(in_child([&] { return said(write(folder_ / "a", "new")); }),
              fmt::format("cannot write '{}': Permission denied", (folder_ / "a").string()));
    EXPECT_EQ(content("a"), "old");
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputPlaces, AnotherUsersFileStaysThatUsers) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's file";
    put("a", "old");
    ASSERT_EQ(::chown((folder_ / "a").c_str(), 1234, 4321), 0);
    ASSERT_EQ(::chmod((folder_ / "a").c_str(), 0666), 0);
    ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
    EXPECT_EQ(in_child([&] { return said(write(folder_ / "a", "new")); }), "");
    EXPECT_EQ(content("a"), "new");
    EXPECT_EQ(status("a").st_uid, 1234u);
    EXPECT_EQ(mode("a"), 0666u);
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputPlaces, AllNamesOfAFileSeeWhatWasWritten) {
    put("a", "old and long");
    std::filesystem::create_hard_link(folder_ / "a", folder_ / "b");
    {
        auto file = OutputFile::create(folder_ / "a");
        ASSERT_TRUE(file) << file.error().message;
        ASSERT_TRUE(file->write_at(2, bytes("c")));
        ASSERT_TRUE(file->write_at(0, bytes("ab")));
        EXPECT_EQ(content("b"), "old and long");
        ASSERT_TRUE(file->finish());
    }
    EXPECT_EQ(content("a"), "abc");
    EXPECT_EQ(content("b"), "abc");
    EXPECT_EQ(file_count(), 2u);
}

TEST_F(OutputPlaces, AFailureOfTheDiskLeavesTheOldFile) {
    put("a", "old");
    put("linked", "old");
    std::filesystem::create_hard_link(folder_ / "linked", folder_ / "twin");
    for (const char* name : {"a", "linked"}) {
        ASSERT_EQ(::chmod((folder_ / name).c_str(), 0666), 0);
        ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
        const std::string error = in_child([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{1 << 20, 1 << 20};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            return said(write(folder_ / name, std::string(3 << 20, 'x')));
        });
        EXPECT_NE(error.find(fmt::format("cannot write '{}'", (folder_ / name).string())), std::string::npos) << error;
        EXPECT_NE(error.find("File too large"), std::string::npos) << error;
        EXPECT_EQ(content(name), "old");
    }
    EXPECT_EQ(file_count(), 3u);
}

// ---- streams ---------------------------------------------------------------------------------------------------------------

TEST_F(OutputPlaces, PipesGetBytesAsTheyCome) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    for (const char* folder : {"/dev/fd/", "/proc/self/fd/"}) {
        auto file = OutputFile::create(folder + std::to_string(ends[1]));
        ASSERT_TRUE(file) << file.error().message;
        ASSERT_TRUE(file->write(bytes("ab")));
        ASSERT_TRUE(file->write_at(4, bytes("e")));
        ASSERT_TRUE(file->finish());
        char got[8] = {};
        EXPECT_EQ(::read(ends[0], got, sizeof got), 5);
        EXPECT_EQ(std::string(got, 5), std::string("ab\0\0e", 5));
    }
    // It stays open for whoever opened it.
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    auto back = OutputFile::create("/dev/fd/" + std::to_string(ends[1]));
    ASSERT_TRUE(back && back->write(bytes("ab")));
    const auto refused = back->write_at(0, bytes("c"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("cannot go back in"), std::string::npos) << refused.error().message;
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(OutputPlaces, PipesTakeBytesInAnyOrderAtTheEnd) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    auto file = OutputFile::create("/dev/fd/" + std::to_string(ends[1]), OutputFile::Order::any);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->write_at(3, bytes("def")));
    ASSERT_TRUE(file->write_at(0, bytes("abc")));
    ASSERT_TRUE(file->finish());
    ::close(ends[1]);
    EXPECT_EQ(read_all(ends[0]), "abcdef");
    ::close(ends[0]);
}

TEST_F(OutputPlaces, NamedPipesWaitForTheirReader) {
    const auto pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::string got;
    std::thread reader([&] {
        const int fd = ::open(pipe.c_str(), O_RDONLY);
        got = read_all(fd);
        ::close(fd);
    });
    EXPECT_TRUE(OutputFile::check(pipe));  // does not open it: the reader still waits
    EXPECT_TRUE(write(pipe, "text"));
    reader.join();
    EXPECT_EQ(got, "text");
    EXPECT_TRUE(S_ISFIFO(status("pipe").st_mode));
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(OutputPlaces, DevicesAreWritten) {
    EXPECT_TRUE(write("/dev/null", "text"));
    EXPECT_TRUE(OutputFile::check("/dev/null"));
    if (std::filesystem::exists("/dev/full")) {
        const auto full = write("/dev/full", "text");
        ASSERT_FALSE(full);
        EXPECT_EQ(full.error().code, ErrorCode::unavailable);
        EXPECT_EQ(full.error().message, "cannot write '/dev/full' (at byte 4): No space left on device");
    }
}

// As with `(echo first; krait ... -o /dev/stdout) > file`: behind what is there, even where the file has lost its name.
TEST_F(OutputPlaces, DescriptorsOfFilesGoOnWhereTheyStand) {
    const int fd = ::open((folder_ / "a").c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::write(fd, "first ", 6), 6);
    const auto path = "/dev/fd/" + std::to_string(fd);
    EXPECT_TRUE(write(path, "second"));
    EXPECT_EQ(content("a"), "first second");
    std::filesystem::remove(folder_ / "a");
    EXPECT_TRUE(write(path, " third"));
    EXPECT_EQ(::lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(read_all(fd), "first second third");
    ::close(fd);
    EXPECT_EQ(file_count(), 0u);
}

// The same where the bytes wait for the end: the file is longer than they are, and nothing of it is cut off.
TEST_F(OutputPlaces, DescriptorsOfFilesGoOnWhereTheyStandInAnyOrder) {
    const auto write_backwards = [](int fd) {
        auto file = OutputFile::create("/dev/fd/" + std::to_string(fd), OutputFile::Order::any);
        ASSERT_TRUE(file) << file.error().message;
        ASSERT_TRUE(file->write_at(3, bytes("def")));
        ASSERT_TRUE(file->write_at(0, bytes("abc")));
        const auto finished = file->finish();
        EXPECT_TRUE(finished) << finished.error().message;
    };
    put("appended", "old data ");
    int fd = ::open((folder_ / "appended").c_str(), O_WRONLY | O_APPEND);
    ASSERT_GE(fd, 0);
    write_backwards(fd);
    EXPECT_EQ(content("appended"), "old data abcdef");
    write_backwards(fd);
    EXPECT_EQ(content("appended"), "old data abcdefabcdef");
    ::close(fd);

    put("offset", "0123456789 and what stays");
    fd = ::open((folder_ / "offset").c_str(), O_WRONLY);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::lseek(fd, 4, SEEK_SET), 4);
    write_backwards(fd);
    EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 10);  // what is written next comes behind them
    EXPECT_EQ(content("offset"), "0123abcdef and what stays");
    ::close(fd);
    EXPECT_EQ(file_count(), 2u);
}

}  // namespace
}  // namespace krait
