// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C: every command that runs for long says how far it came, and exits with 130.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "tests/tools/run_command.hpp"

namespace {

using namespace std::chrono_literals;
using krait::test::Answer;

// Whether the process has a handler for SIGINT: before that it would end in silence.
bool catches_interrupt(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
    return false;
}

// Runs krait, interrupts it once it listens and `words` have come, and gives what it wrote to both streams.
Answer interrupted(const std::vector<std::string>& arguments, const std::string& words = "") {
    int ends[2];
    if (pipe(ends) != 0) return {};
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        std::vector<char*> all{const_cast<char*>(::krait::test::kCommand)};
        for (const std::string& argument : arguments) all.push_back(const_cast<char*>(argument.c_str()));
        all.push_back(nullptr);
        execv(::krait::test::kCommand, all.data());
        _exit(99);
    }
    close(ends[1]);
    for (int i = 0; i < 6000 && !catches_interrupt(child); ++i) std::this_thread::sleep_for(5ms);
    Answer answer;
    char buffer[4096];
    bool sent = false;
    for (;;) {
        if (!sent && answer.text.find(words) != std::string::npos) {
            kill(child, SIGINT);
            sent = true;
        }
        const ssize_t n = read(ends[0], buffer, sizeof buffer);
        if (n <= 0) break;
        answer.text.append(buffer, static_cast<size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

void expect_told(const std::vector<std::string>& arguments, const std::string& pattern, const std::string& words = "") {
    const Answer answer = interrupted(arguments, words);
    EXPECT_EQ(answer.exit_code, 130) << arguments[0] << "\n" << answer.text;
    EXPECT_TRUE(std::regex_search(answer.text, std::regex("krait: " + pattern + "\n$"))) << arguments[0] << "\n" << answer.text;
}

TEST(Interrupt, BenchTellsHowFarItCame) {
    expect_told({"bench", "-d", "cpu", "-r", "100000"}, "cancelled (while the model was loaded|after 0 of 2 tests)");
}

TEST(Interrupt, TestOpsTellsHowFarItCame) {
    expect_told({"test-ops", "-d", "cpu", "--jobs", "1"}, "cancelled after [0-9]+ of [0-9]+ cases on cpu");
    // The device behind it is not begun.
    expect_told({"test-ops", "-d", "reference,cpu", "--jobs", "1", "--op", "mul_mat"},
                "cancelled after [0-9]+ of [0-9]+ cases on reference");
}

TEST(Interrupt, TestOpsTellsHowManyCasesWereTimed) {
    expect_told({"test-ops", "-d", "reference", "--perf", "--shapes", "models"},
                "cancelled after [0-9]+ of [0-9]+ cases on reference");
    expect_told({"test-ops", "-d", "reference", "--perf", "-o", "json"}, "cancelled after [0-9]+ of [0-9]+ cases on reference");
}

TEST(Interrupt, LogitsCountTheWholeText) {
    std::string ids = "1";
    for (int i = 0; i < 20000; ++i) ids += ",1";
    const std::string out = testing::TempDir() + "krait-interrupt-" + std::to_string(getpid()) + ".npy";
    expect_told({"logits", "-d", "cpu", "--tokens", ids, "--chunk", "4", "-o", out}, "cancelled after [0-9]+ of 20001 tokens");
}

}  // namespace
