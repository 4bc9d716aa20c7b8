// SPDX-License-Identifier: Apache-2.0
//
// The words that a user gets about plugins: folders that have none, and what plugins say.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/tools/run_command.hpp"

namespace {

using krait::test::Answer;
using krait::test::run_krait;

size_t count(const std::string& text, const std::string& words) {
    size_t n = 0;
    for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; at += words.size()) ++n;
    return n;
}

TEST(Plugins, FoldersWithoutPluginsAreListedWithTheReason) {
    const std::string empty = testing::TempDir() + "krait-empty-" + std::to_string(getpid());
    std::filesystem::create_directory(empty);
    const Answer answer =
        run_krait("devices", krait::test::Streams::output, "KRAIT_BACKEND_PATH=/no/such/folder:" + empty + ":/proc/version");
    std::filesystem::remove_all(empty);
    EXPECT_EQ(answer.exit_code, 0) << answer.text;
    const auto expect = [&](const std::string& folder, const std::string& why) {
        const size_t line = answer.text.find(" " + folder + "\n");
        ASSERT_NE(line, std::string::npos) << answer.text;
        const size_t reason = answer.text.find("not used: ", line);
        EXPECT_EQ(answer.text.compare(reason + 10, why.size(), why), 0) << folder << "\n" << answer.text;
    };
    expect("/no/such/folder", "this folder cannot be read: No such file or directory\n");
    expect("/proc/version", "this folder cannot be read: Not a directory\n");
    expect(empty, "no file in this folder is named krait-*.so\n");
    // The folders that Krait itself looks into need not exist.
    EXPECT_EQ(run_krait("devices").text.find("folder"), std::string::npos);
}

TEST(Plugins, TheVariantThatServesAndOneThatIsForcedAreExplained) {
    const std::string plain = run_krait("devices", krait::test::Streams::output, "KRAIT_DEVICE=").text;
    EXPECT_EQ(count(plain, "serves 'cpu': no other variant that runs here has a higher score\n"), 1u) << plain;
    EXPECT_EQ(count(plain, "KRAIT_DEVICE"), 0u) << plain;
    const std::string forced = run_krait("devices", krait::test::Streams::output, "KRAIT_DEVICE=cpu:portable,reference").text;
    EXPECT_EQ(count(forced, "KRAIT_DEVICE=cpu:portable,reference: what a command without --device runs on\n"), 1u) << forced;
    const size_t serves = plain.find("serves 'cpu'"), line = plain.rfind("\ncpu:", serves);
    const std::string best = plain.substr(line + 1, plain.find(' ', line) - line - 1);
    EXPECT_EQ(count(forced, "cpu:portable is forced by its name; 'cpu' alone would be " + best + "\n"), best != "cpu:portable")
        << forced;
    EXPECT_EQ(count(forced, "is forced by its name"), best != "cpu:portable") << forced;
    for (const auto& [device, words] : std::vector<std::pair<std::string, std::string>>{
             {":avx2", ""}, {"cpu:avx3", "'cpu' has no variant 'avx3'"}, {"xyz", "there is no device family 'xyz'"}}) {
        const std::string wrong = run_krait("devices", krait::test::Streams::output, "KRAIT_DEVICE=" + device).text;
        EXPECT_EQ(count(wrong, "\nKRAIT_DEVICE=" + device + ": no device: " + words), 1u) << wrong;
        EXPECT_EQ(count(wrong, "is forced by its name"), 0u) << wrong;
    }
}

TEST(Plugins, TheirWarningsArePrintedOnce) {
    const std::string folder = krait::test::kBadPlugins;
    if (!std::filesystem::exists(folder + "/krait-talkative.so")) GTEST_SKIP() << "nothing is loaded in this build";
    const auto errors = [&](const std::string& arguments, const std::string& log = "") {
        return run_krait(arguments + " 2>&1 >/dev/null", krait::test::Streams::output, log + " KRAIT_BACKEND_PATH=" + folder)
            .text;
    };
    const std::string warning = "krait: warning: the fan is loud\n", detail = "krait: debug: in detail, the fan is loud\n";
    for (const char* command : {"devices", "tokenize -p a", "run -d cpu -p a -n 1 --no-timings"}) {
        const bool loads = command != std::string("tokenize -p a");
        EXPECT_EQ(errors(command), loads ? warning : "") << command;
    }
    EXPECT_EQ(errors("devices", "KRAIT_LOG=error"), "");
    EXPECT_EQ(errors("devices", "KRAIT_LOG=none"), "");
    EXPECT_EQ(errors("devices", "KRAIT_LOG="), warning);
    EXPECT_EQ(errors("devices", "KRAIT_LOG=info"), warning);
    const std::string all = errors("devices", "KRAIT_LOG=debug");
    EXPECT_EQ(count(all, warning), 1u) << all;
    EXPECT_EQ(count(all, detail), 1u) << all;
    EXPECT_EQ(errors("devices", "KRAIT_LOG=loud"),
              "krait: warning: KRAIT_LOG is 'loud', and can be debug, info, warning, error or none\n" + warning);
}

}  // namespace
