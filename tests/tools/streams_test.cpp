// SPDX-License-Identifier: Apache-2.0
//
// Standard streams that are closed, full, not read or cannot be read: the exit codes hold, and nothing is lost without a word.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KRAIT_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KRAIT_TEST_SANITIZED
#endif
#endif

namespace {

using krait::test::Answer;
using krait::test::run_krait;

class StandardStreams : public krait::test::TemporaryFolder {
  protected:
    // redirections: of the shell, as "2>&-".
    static void expect_exit(int exit_code, const std::string& arguments) {
        const Answer answer = run_krait(arguments, krait::test::Streams::output);
        EXPECT_EQ(answer.exit_code, exit_code) << arguments << "\n" << answer.text;
    }
    // The standard error of a command whose output goes elsewhere.
    static void expect_says(int exit_code, const std::string& arguments, const std::string& message) {
        const Answer answer = run_krait("2>&1 " + arguments, krait::test::Streams::output);
        EXPECT_EQ(answer.exit_code, exit_code) << arguments << "\n" << answer.text;
        EXPECT_EQ(answer.text, "krait: " + message + "\n") << arguments;
    }
    std::string bytes(const std::string& name) const {
        std::ifstream file(folder_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // Runs `krait arguments` with its output in a pipe, whose reader has gone; the status as waitpid gives it.
    int status_without_reader(const std::string& arguments, bool ignored) const {
        const std::string command = "exec " + std::string(krait::test::kCommand) + " " + arguments + " 2>" + path("errors");
        std::array<int, 2> ends{};
        EXPECT_EQ(pipe(ends.data()), 0);
        const pid_t child = fork();
        if (child == 0) {
            std::signal(SIGPIPE, ignored ? SIG_IGN : SIG_DFL);
            dup2(ends[1], STDOUT_FILENO);
            close(ends[0]), close(ends[1]);
            execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
            _exit(99);
        }
        close(ends[0]), close(ends[1]);
        int status = 0;
        waitpid(child, &status, 0);
        return status;
    }
};

TEST_F(StandardStreams, OutputThatCannotBeWrittenIsAFailure) {
    const std::string full = "standard output cannot be written: No space left on device";
    const std::string closed = "standard output cannot be written: Bad file descriptor";
    for (const char* command : {"devices", "inspect", "tokenize -p a", "tokenize --decode 5", "run -p a -n 1 --no-timings",
                                "test-ops --list", "--help", "run --help", "--version", "run -d cpu --explain"}) {
        expect_says(1, std::string(command) + " >/dev/full", full);
        expect_says(1, std::string(command) + " >&-", closed);
        expect_exit(1, std::string(command) + " >&- 2>&-");
        expect_exit(1, std::string(command) + " >/dev/full 2>/dev/full");
    }
    // Bad input stays bad input.
    expect_exit(2, "inspect no_such.gguf >/dev/full 2>&-");
}

// krait inspect lists a file that Krait cannot run, and says on standard error why it can not.
TEST_F(StandardStreams, WhyAFileCannotRunIsAnError) {
    ASSERT_EQ(run_krait("make-random " + path("model.gguf") + " --layers 1 --d-model 256 --vocab 300").exit_code, 0);
    std::string model = bytes("model.gguf");
    const std::string key = "general.architecture";
    const size_t value = model.find(key) + key.size() + 12;  // behind the type and the length
    ASSERT_EQ(model.substr(value, 5), "mamba");
    model.replace(value, 5, "other");
    std::ofstream(path("other.gguf"), std::ios::binary) << model;
    const Answer listing = run_krait("inspect " + path("other.gguf") + " 2>" + path("errors"), krait::test::Streams::output);
    EXPECT_EQ(listing.exit_code, 2);
    EXPECT_NE(listing.text.find("BITS/WEIGHT"), std::string::npos) << listing.text;
    EXPECT_EQ(listing.text.find("cannot run"), std::string::npos) << listing.text;
    EXPECT_EQ(bytes("errors").find("krait: Krait cannot run this file: "), 0u) << bytes("errors");
    EXPECT_NE(bytes("errors").find("'other'"), std::string::npos) << bytes("errors");
}

TEST_F(StandardStreams, LostMessagesAreNoFailure) {
    for (const char* lost : {" 2>/dev/full", " 2>&-"}) {
        expect_exit(0, std::string("run -p a -n 1") + lost);
        expect_exit(2, std::string("run no_such.gguf -p a") + lost);
        expect_exit(2, std::string("run --no-such-option") + lost);
        expect_exit(2, std::string("no-such-command") + lost);
    }
}

// The message alone is lost, also where its reader has gone: standard output is written on.
TEST_F(StandardStreams, AMessageWithoutReaderIsNoFailure) {
    const std::string command = "{ " + std::string(krait::test::kCommand) + " run -p a -n 1 >" + path("out") + "; echo $? >" +
                                path("code") + "; } 2>&1 | exec true";
    for (int i = 0; i < 3; ++i) ASSERT_EQ(std::system(command.c_str()), 0);
    EXPECT_EQ(bytes("code"), "0\n");
    EXPECT_EQ(bytes("out").front(), 'a');
}

TEST_F(StandardStreams, OutputWithoutReaderEndsQuietly) {
    const int by_signal = status_without_reader("inspect", false);
    EXPECT_TRUE(WIFSIGNALED(by_signal) && WTERMSIG(by_signal) == SIGPIPE) << by_signal;
    EXPECT_EQ(bytes("errors"), "");
    const int by_error = status_without_reader("inspect", true);  // as under nohup-like parents that ignore the signal
    EXPECT_TRUE(WIFEXITED(by_error) && WEXITSTATUS(by_error) == 1) << by_error;
    EXPECT_EQ(bytes("errors"), "krait: standard output cannot be written: Broken pipe\n");
}

// No file that is opened may become a standard stream, where messages would go into it.
TEST_F(StandardStreams, FilesDoNotTakeThePlaceOfClosedStreams) {
    const std::string sizes = " --layers 1 --d-model 256 --vocab 300";
    expect_exit(0, "make-random " + path("right.gguf") + sizes);
    expect_exit(1, "make-random " + path("closed.gguf") + sizes + " <&- >&- 2>&-");
    EXPECT_TRUE(bytes("closed.gguf") == bytes("right.gguf"));
    expect_exit(0, "run " + path("closed.gguf") + " -p a -n 1 >/dev/null <&- 2>&-");
    EXPECT_TRUE(bytes("closed.gguf") == bytes("right.gguf"));
}

TEST_F(StandardStreams, InputThatCannotBeReadIsBadInput) {
    const std::string is_directory = "standard input cannot be read: Is a directory";
    const std::string is_closed = "standard input cannot be read: Bad file descriptor";
    for (const char* command : {"run", "run -f -", "tokenize --ids", "tokenize", "perplexity --text -", "hellaswag --file -"}) {
        expect_says(2, std::string(command) + " </ >/dev/null", is_directory);
        expect_says(2, std::string(command) + " <&- >/dev/null", is_closed);
    }
    expect_says(2, "tokenize -f / >/dev/null", "'/' is a directory; name a file inside it");
}

// A line that never ends, in little memory.
TEST_F(StandardStreams, ALineThatDoesNotFitIsAnError) {
#ifdef KRAIT_TEST_SANITIZED
    GTEST_SKIP() << "sanitizers need more addresses than the limit leaves";
#endif
    const std::string command =
        "ulimit -v 1000000; " + std::string(krait::test::kCommand) + " run -d cpu:threads=1 </dev/zero 2>" + path("errors");
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
    EXPECT_EQ(bytes("errors"), "krait: out of memory\n");
}

TEST_F(StandardStreams, LinesEndAsTheyPlease) {
    std::ofstream(folder_ / "lines", std::ios::binary) << "The sea\r\nwas\n\r\n\nblue";
    EXPECT_EQ(run_krait("run -n 0 --no-timings <" + path("lines")).text, "The sea\nwas\nblue\n");
}

// While a command waits for more of its input.
TEST_F(StandardStreams, CtrlCEndsTheWaitForInput) {
    const std::string output = path("out");
    const std::vector<std::vector<const char*>> commands = {{"krait", "imatrix", "--text", "-", "-o", output.c_str(), nullptr},
                                                            {"krait", "run", nullptr}};
    for (const auto& words : commands) {
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
        const pid_t child = fork();
        if (child == 0) {
            dup2(ends[0], STDIN_FILENO);
            execv(krait::test::kCommand, const_cast<char* const*>(words.data()));
            _exit(99);
        }
        ASSERT_EQ(write(ends[1], "a", 1), 1);
        int waiting = 1;  // bytes that it has not read
        for (int i = 0; i < 6000 && waiting > 0; ++i, usleep(10000)) ioctl(ends[0], FIONREAD, &waiting);
        EXPECT_EQ(waiting, 0);
        usleep(50000);  // until it waits
        kill(child, SIGINT);
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130) << words[1] << " " << status;
        close(ends[0]), close(ends[1]);
    }
}

// A reader that is slower than the pipe is large, where another program has set the pipe to not block.
TEST_F(StandardStreams, AStreamThatDoesNotBlockIsWaitedFor) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(krait::test::kCommand, "krait", "test-ops", "--list", nullptr);
        _exit(99);
    }
    close(ends[1]);
    std::string text;
    std::array<char, 1000> block;
    for (ssize_t n = 0; (n = read(ends[0], block.data(), block.size())) > 0;) {
        text.append(block.data(), static_cast<size_t>(n));
        if (text.size() < 20000) usleep(1000);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(text == run_krait("test-ops --list").text);
    EXPECT_GT(text.size(), 20000u);
}

}  // namespace
