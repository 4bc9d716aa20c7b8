// SPDX-License-Identifier: Apache-2.0
//
// Completions by the shells themselves: bash is asked what it would offer; zsh and fish, where they are, read their scripts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/tools/run_command.hpp"

namespace {

using krait::test::Answer;
using krait::test::run_krait;
using krait::test::Streams;
using Words = std::set<std::string>;

class Completion : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("krait-completion-" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_ / "models");
        std::ofstream(folder_ / "my model.gguf") << "x";
        for (const char* shell : {"bash", "zsh", "fish"}) {
            const Answer script = run_krait("completion " + std::string(shell), Streams::output);
            ASSERT_EQ(script.exit_code, 0) << script.text;
            std::ofstream(folder_ / shell) << script.text;
        }
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static Answer shell(const std::string& command) {
        Answer answer;
        std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
        if (!pipe) return answer;
        char buffer[4096];
        for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) answer.text.append(buffer, n);
        answer.exit_code = pclose(pipe);
        return answer;
    }
    // The words that bash offers for the last word of a line, which is cut into words as bash cuts it.
    Words offered(const std::string& words) const {
        const std::string script = "cd '" + folder_.string() + "'; source ./bash; COMP_WORDS=(" + words +
                                   "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _krait; printf '%s\\n' \"${COMPREPLY[@]}\"";
        std::ofstream(folder_ / "ask") << script;
        std::istringstream lines(shell("bash '" + (folder_ / "ask").string() + "'").text);
        Words all;
        for (std::string line; std::getline(lines, line);)
            if (!line.empty()) all.insert(line);
        return all;
    }

    std::filesystem::path folder_;
};

TEST_F(Completion, BashOffersCommandsAndTheirOptions) {
    EXPECT_EQ(offered("krait t"), (Words{"test-ops", "tokenize"}));
    EXPECT_EQ(offered("krait --"), (Words{"--help", "--version"}));
    EXPECT_EQ(offered("krait run --de"), (Words{"--device"}));
    EXPECT_EQ(offered("krait run model.gguf --ex"), (Words{"--explain"}));
    EXPECT_EQ(offered("krait inspect --"), (Words{"--help", "--no-metadata", "--no-tensors", "--tokenizer"}));
    // A command that has commands offers theirs.
    EXPECT_EQ(offered("krait gguf m"), (Words{"merge", "models", "my model.gguf"}));
    EXPECT_EQ(offered("krait gguf split --max"), (Words{"--max-size", "--max-tensors"}));
    // Every command of the help is offered, and no other.
    std::istringstream help(run_krait("--help", Streams::output).text);
    Words commands{"--help", "--version"};
    for (std::string line; std::getline(help, line) && line != "Commands:";) continue;
    for (std::string line; std::getline(help, line) && !line.empty();)
        if (line[2] != ' ') commands.insert(line.substr(2, line.find(' ', 2) - 2));
    EXPECT_GT(commands.size(), 10u);
    EXPECT_EQ(offered("krait ''"), commands);
}

TEST_F(Completion, BashOffersWhatAnOptionTakes) {
    EXPECT_EQ(offered("krait bench -o ''"), (Words{"table", "md", "csv", "json"}));
    EXPECT_EQ(offered("krait bench --output ''"), (Words{"table", "md", "csv", "json"}));
    EXPECT_EQ(offered("krait bench --output ="), (Words{"table", "md", "csv", "json"}));
    EXPECT_EQ(offered("krait bench --output = j"), (Words{"json"}));
    EXPECT_EQ(offered("krait run --explain = d"), (Words{"dot"}));
    EXPECT_EQ(offered("krait run -n ''"), (Words{}));
    EXPECT_TRUE(offered("krait make-random x --type ''").contains("q4_k_m"));
    EXPECT_EQ(offered("krait make-random x --like falcon-m"), (Words{"falcon-mamba-7b"}));
    EXPECT_EQ(offered("krait completion ''"), (Words{"bash", "zsh", "fish"}));
}

TEST_F(Completion, BashOffersFilesWhereTheyAreWanted) {
    EXPECT_EQ(offered("krait run m"), (Words{"models", "my model.gguf"}));
    EXPECT_EQ(offered("krait run --file m"), (Words{"models", "my model.gguf"}));
    EXPECT_EQ(offered("krait run --explain m"), (Words{"models", "my model.gguf"}));
    EXPECT_EQ(offered("krait devices m"), (Words{}));
    EXPECT_TRUE(offered("krait quantize a.gguf b.gguf q4").contains("q4_k"));
    EXPECT_TRUE(offered("krait quantize a.gguf b.gguf Q4").contains("q4_k"));
}

TEST_F(Completion, ZshReadsItsScript) {
    if (shell("command -v zsh").exit_code != 0) GTEST_SKIP() << "no zsh";
    const Answer read = shell("zsh -f -c 'autoload -U compinit; compinit -D; source \"" + (folder_ / "zsh").string() +
                              "\"; print ${_comps[krait]}'");
    EXPECT_EQ(read.text, "_krait\n");
    EXPECT_NE(shell("cat '" + (folder_ / "zsh").string() + "'").text.find(" q4_0 "), std::string::npos);
}

TEST_F(Completion, FishOffersTheSame) {
    if (shell("command -v fish").exit_code != 0) GTEST_SKIP() << "no fish";
    const auto ask = [&](const std::string& line) {
        return shell("fish --no-config -c 'source \"" + (folder_ / "fish").string() + "\"; complete -C \"" + line + "\"'").text;
    };
    EXPECT_EQ(ask("krait tok"), "tokenize\tTurn text into token ids, or ids into text\n");
    EXPECT_EQ(ask("krait completion z"), "zsh\n");
    EXPECT_EQ(ask("krait bench --output=j"), "--output=json\thow the results are written\n");
    EXPECT_NE(ask("krait quantize a b q4").find("q4_0\n"), std::string::npos);
    EXPECT_EQ(ask("krait run --dev"), "--device\twhere to run\n");
}

TEST(Version, NamesCommitCompilerAndBackends) {
    const Answer answer = run_krait("--version");
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_TRUE(answer.text.starts_with("krait ")) << answer.text;
    EXPECT_NE(answer.text.find("\ncommit    "), std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("++ "), std::string::npos) << answer.text;
    const size_t backends = answer.text.find("\nbackends  cpu");
    ASSERT_NE(backends, std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("reference", backends), std::string::npos) << answer.text;
    const Answer without = run_krait("--version", Streams::output, "KRAIT_BACKEND_PATH=/nonexistent");
    EXPECT_EQ(without.exit_code, 0) << without.text;
}

}  // namespace
