// SPDX-License-Identifier: Apache-2.0
//
// `krait bench` as a user calls it: what it answers to bad arguments, and that its JSON is JSON.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/tools/run_command.hpp"

namespace {

using krait::test::Answer;
using krait::test::Streams;

Answer bench(const std::string& arguments, Streams streams = Streams::output_and_errors) {
    return krait::test::run_krait("bench " + arguments, streams);
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
    expect_refused("-d no-such-device", "no-such-device");
    expect_refused("--serving --profile", "no profile");
    expect_refused("--serving -p 0", "-p and -n");
    expect_refused("--serving --arrivals 0", "--arrivals 0");
    expect_refused("--serving -b 4", "--batch");
    expect_refused("--requests 4", "--serving");
}

TEST(BenchCommand, JsonOfAShortRun) {
    const Answer answer = bench("-d cpu --threads 2 -p 4,8 -n 2 -b 1,3 -r 2 --no-ceilings -o json", Streams::output);
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

TEST(BenchCommand, ThreadsAreCountedInAListOfProcessors) {
    const Answer answer = bench("-d cpu --affinity 0-0 -p 1 -n 0 -r 1 --no-ceilings -o json", Streams::output);
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    EXPECT_EQ(nlohmann::json::parse(answer.text).at("device").at("threads"), 1);
    expect_refused("-d cpu --affinity 0,5000", "may not run on processor 5000");
}

TEST(BenchCommand, HelpHasExamples) {
    const Answer answer = bench("--help");
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_NE(answer.text.find("krait bench model.gguf"), std::string::npos);
}

}  // namespace
