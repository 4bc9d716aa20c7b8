// SPDX-License-Identifier: Apache-2.0
//
// `krait bench` as a user calls it: what it answers to bad arguments, and that its JSON is JSON.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace {

struct Answer {
    int exit_code = -1;
    std::string text;
};

// Standard output, and standard error where with_errors.
Answer bench(const std::string& arguments, bool with_errors = true) {
    const std::string command = std::string(KRAIT_COMMAND) + " bench " + arguments + (with_errors ? " 2>&1" : "");
    Answer answer;
    std::FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return answer;
    std::array<char, 4096> buffer;
    for (size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) answer.text.append(buffer.data(), n);
    const int status = pclose(pipe);
    answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

void expect_refused(const std::string& arguments, const std::string& word) {
    const Answer answer = bench(arguments);
    EXPECT_EQ(answer.exit_code, 2) << arguments << "\n" << answer.text;
    EXPECT_NE(answer.text.find(word), std::string::npos) << arguments << "\n" << answer.text;
}

TEST(BenchCommand, BadArgumentsAreRefused) {
    expect_refused("no-such-file.gguf", "no-such-file.gguf");
    expect_refused("-p twelve", "twelve");
    expect_refused("-p -5", "-5");
    expect_refused("-b 0", "0");
    expect_refused("--sequences 0", "0");
    expect_refused("-r 0", "0");
    expect_refused("-o yaml", "yaml");
    expect_refused("--threads 2 -d cpu:threads=1", "give one of them");
    expect_refused("--affinity 0", "give their number too");
    expect_refused("-d no-such-device", "no-such-device");
}

TEST(BenchCommand, JsonOfAShortRun) {
    const Answer answer = bench("-d cpu --threads 2 -p 4,8 -n 2 -b 1,3 -r 2 --no-ceilings -o json", false);
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    const auto json = nlohmann::json::parse(answer.text);
    EXPECT_EQ(json.at("device").at("asked_for"), "cpu:threads=2");
    EXPECT_EQ(json.at("device").at("threads"), 2);
    EXPECT_EQ(json.at("date").get<std::string>().size(), std::string("2026-01-31T12:00:00Z").size());
    EXPECT_NE(json.at("build").get<std::string>().find("++ "), std::string::npos) << json.at("build");
    const auto& results = json.at("results");
    ASSERT_EQ(results.size(), 4u);
    EXPECT_EQ(results[1].at("n_tok"), 8);
    EXPECT_EQ(results[3].at("n_seq"), 3);
    for (const auto& result : results) EXPECT_GT(result.at("tokens_per_second").at("median"), 0);
}

TEST(BenchCommand, HelpHasExamples) {
    const Answer answer = bench("--help");
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_NE(answer.text.find("krait bench model.gguf"), std::string::npos);
}

}  // namespace
