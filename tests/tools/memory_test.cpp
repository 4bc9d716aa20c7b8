// SPDX-License-Identifier: Apache-2.0
//
// `krait run` holds a model in memory once: what the process takes at its peak is the file's size and a fifth, and what a
// process takes with a model of no size (the program, its libraries, the vocabulary).
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/tools/run_command.hpp"

namespace {

using krait::test::run_krait;
namespace fs = std::filesystem;

class Memory : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
#ifdef KRAIT_SANITIZED
        GTEST_SKIP() << "sanitizers keep memory of their own beside what the process asks for";
#endif
        folder_ = fs::path(testing::TempDir()) / ("krait-memory-" + std::to_string(getpid()) + "-" + GetParam());
        fs::create_directory(folder_);
    }
    void TearDown() override {
        if (!folder_.empty()) fs::remove_all(folder_);
    }

    // The peak of a process of `krait run`.
    static uint64_t peak_of_run(const std::string& model, const char* option) {
        const char* const command = krait::test::kCommand;
        const pid_t child = fork();
        if (child == 0) {
            std::freopen("/dev/null", "w", stdout);
            std::freopen("/dev/null", "w", stderr);
            execl(command, command, "run", model.c_str(), "-d", "cpu:threads=2", "-p", "the sea was as it is now", "-n", "20",
                  "--ignore-eos", "--seed", "1", option, nullptr);
            _exit(99);
        }
        int status = 0;
        rusage usage{};
        EXPECT_EQ(wait4(child, &status, 0, &usage), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
        return static_cast<uint64_t>(usage.ru_maxrss) << 10;
    }

    std::string make(const std::string& name, const std::string& sizes) const {
        const std::string path = (folder_ / name).string();
        const auto made = run_krait("make-random " + path + " --type " + GetParam() + " " + sizes);
        EXPECT_EQ(made.exit_code, 0) << made.text;
        return path;
    }

    fs::path folder_;
};

TEST_P(Memory, AModelIsThereOnce) {
    // A vocabulary that is not the greater part, as in models of a billion weights; and next to nothing.
    const std::string model = make("m.gguf", "--layers 16 --d-model 768 --vocab 8000");
    const std::string nothing = make("n.gguf", "--layers 1 --d-model 64 --vocab 8000");
    const auto size = fs::file_size(model);
    ASSERT_GT(size, uint64_t{30} << 20);
    // Without a mapping an F16 embedding that is the head too is in memory twice: as it stands in the file, for the rows that
    // are looked up, and as it is multiplied.
    const uint64_t table = GetParam() == "f16" ? uint64_t{8000} * 768 * 2 : 0;
    for (const auto& [option, twice] : {std::pair{"--no-timings", uint64_t{0}}, std::pair{"--no-mmap", table}}) {
        const uint64_t of_process = peak_of_run(nothing, option), peak = peak_of_run(model, option);
        EXPECT_GT(peak, size) << option << ": it was not loaded";
        EXPECT_LE(static_cast<double>(peak), 1.2 * static_cast<double>(size) + static_cast<double>(of_process + twice))
            << option << ": " << size << " bytes in the file, " << of_process << " of the process";
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, Memory, testing::Values("f16", "q8_0", "q4_k"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
