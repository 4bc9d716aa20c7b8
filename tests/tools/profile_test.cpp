// SPDX-License-Identifier: Apache-2.0
//
// krait run --profile and krait bench --profile: the tables, JSON and traces that a user gets.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using Json = nlohmann::json;
using krait::test::Answer;
using krait::test::run_krait;
using krait::test::Streams;

constexpr int kLayers = 8, kNodesOfALayer = 7;  // of the demo model
constexpr const char* kRun = "run -d cpu --threads 1 -p 'The sea was' -n 5 --temperature 0 --ignore-eos --no-timings ";

class ProfileCommand : public krait::test::TemporaryFolder {
  protected:
    Json json_of(const std::string& name) const {
        std::ifstream stream(folder_ / name);
        return Json::parse(stream);
    }
    static const Json& phase_of(const Json& profile, const std::string& name) {
        for (const Json& phase : profile.at("phases"))
            if (phase.at("phase") == name) return phase;
        throw std::runtime_error("no phase " + name);
    }
};

// The sums over a phase's operators and nodes agree with each other, and with the totals that the phase states.
void expect_sound(const Json& phase) {
    double seconds = 0, share = 0, bytes = 0, bytes_of_nodes = 0;
    for (const Json& entry : phase.at("operators")) {
        seconds += entry.at("seconds").get<double>();
        share += entry.at("share").get<double>();
        bytes += entry.at("bytes_read").get<double>() + entry.at("bytes_written").get<double>();
        EXPECT_GE(entry.at("mean_seconds"), entry.at("min_seconds")) << entry;
        EXPECT_EQ(entry.contains("gflop_per_second"), entry.at("operator") == "mul_mat" || entry.at("operator") == "ssm_conv");
    }
    for (const Json& node : phase.at("nodes")) {
        EXPECT_EQ(node.at("calls"), phase.at("runs")) << node;
        bytes_of_nodes += node.at("bytes_read").get<double>() + node.at("bytes_written").get<double>();
    }
    EXPECT_NEAR(seconds, phase.at("node_seconds").get<double>(), 1e-9);
    EXPECT_NEAR(share, 1, 1e-9);
    EXPECT_EQ(bytes, bytes_of_nodes);
    EXPECT_GT(phase.at("plain_seconds"), 0);
    EXPECT_EQ(phase.at("plain_runs"), phase.at("runs"));
    EXPECT_GE(phase.at("run_seconds"), phase.at("node_seconds"));
}

TEST_F(ProfileCommand, TheTextIsTheSameAndTheTableIsBesideIt) {
    const Answer plain = run_krait(kRun, Streams::output);
    ASSERT_EQ(plain.exit_code, 0) << plain.text;
    const Answer profiled = run_krait(std::string(kRun) + "--profile", Streams::output);
    EXPECT_EQ(profiled.exit_code, 0);
    EXPECT_EQ(profiled.text, plain.text) << "a table on standard output";
    const Answer both = run_krait(std::string(kRun) + "--profile=nodes");
    for (const char* words : {"profile: nodes ran one at a time", "prompt: 1 run, ",
                              "decode: 4 runs, 4 tokens; a plain run takes ", "mul_mat", "ssm_scan", "GFLOP/s", "blk.*.in"})
        EXPECT_NE(both.text.find(words), std::string::npos) << words << "\n" << both.text;
    EXPECT_EQ(run_krait(std::string(kRun) + "--profile").text.find("blk.*.in"), std::string::npos);
}

TEST_F(ProfileCommand, JsonHasEveryNode) {
    const Answer answer = run_krait(std::string(kRun) + "--profile-json " + path("p.json"));
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    EXPECT_EQ(answer.text.find("profile:"), std::string::npos) << "a table that nobody asked for";
    const Json json = json_of("p.json");
    EXPECT_EQ(json.at("schema"), 1);
    const Json& profile = json.at("profile");
    ASSERT_EQ(profile.at("phases").size(), 2u);
    for (const Json& phase : profile.at("phases")) {
        expect_sound(phase);
        std::map<std::string, int> n_in_layer;
        for (const Json& node : phase.at("nodes")) {
            EXPECT_EQ(node.at("device"), "cpu");
            ++n_in_layer[node.at("layer").dump()];
        }
        EXPECT_EQ(n_in_layer.size(), kLayers + 2u);
        EXPECT_EQ(n_in_layer.at("0"), kNodesOfALayer);
        EXPECT_EQ(n_in_layer.at("\"embedding\""), 1);
    }
    EXPECT_EQ(phase_of(profile, "decode").at("runs"), 4);
    EXPECT_EQ(phase_of(profile, "prompt").at("runs"), 1);
}

TEST_F(ProfileCommand, OneFileForBothIsRefused) {
    const Answer answer =
        run_krait(std::string(kRun) + "--profile-json " + path("one.json") + " --profile-trace " + path("./one.json"));
    EXPECT_EQ(answer.exit_code, 2) << answer.text;
    EXPECT_NE(answer.text.find("are one file"), std::string::npos) << answer.text;
    EXPECT_FALSE(std::filesystem::exists(path("one.json")));
}

TEST_F(ProfileCommand, TheTraceIsOfTheTraceEventFormat) {
    const Answer answer = run_krait("run -d cpu,reference --layers 3,5 --tokens 1,2,3 -n 4 --temperature 0 --profile-json " +
                                    path("p.json") + " --profile-trace " + path("t.json"));
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    const Json trace = json_of("t.json");
    EXPECT_EQ(trace.at("otherData").at("dropped_events"), 0);
    std::map<int, std::string> devices;
    std::map<int, int> n_events;
    double end = 0;
    for (const Json& event : trace.at("traceEvents")) {
        const int pid = event.at("pid").get<int>();
        if (event.at("ph") == "M") {
            EXPECT_EQ(event.at("name"), "process_name");
            devices[pid] = event.at("args").at("name").get<std::string>();
            continue;
        }
        EXPECT_EQ(event.at("ph"), "X");
        EXPECT_GE(event.at("ts").get<double>(), end - 1e-3) << "nodes run one after another";
        EXPECT_GT(event.at("dur"), 0);
        end = event.at("ts").get<double>() + event.at("dur").get<double>();
        ++n_events[pid];
        EXPECT_GT(event.at("args").at("bytes"), 0);
        EXPECT_TRUE(devices.contains(pid));
    }
    EXPECT_EQ(devices, (std::map<int, std::string>{{0, "cpu"}, {1, "reference"}}));
    EXPECT_GT(n_events[0], 0);
    EXPECT_GT(n_events[1], 0);
    int64_t calls = 0;
    const Json profile = json_of("p.json").at("profile");
    for (const Json& phase : profile.at("phases")) {
        expect_sound(phase);
        for (const Json& node : phase.at("nodes")) calls += node.at("calls").get<int64_t>();
    }
    EXPECT_EQ(calls, n_events[0] + n_events[1]) << "an event for each run of a node";
}

TEST_F(ProfileCommand, BenchHasOneOfEachSeries) {
    const std::string arguments = "bench -d cpu --threads 1 -p 6 -n 3 -b 1,2 -r 2 --no-ceilings ";
    const Answer answer = run_krait(arguments + "--profile -o json --profile-trace " + path("t.json"), Streams::output);
    ASSERT_EQ(answer.exit_code, 0) << answer.text;
    const Json json = Json::parse(answer.text);
    ASSERT_EQ(json.at("results").size(), 3u);
    for (const Json& result : json.at("results")) {
        const Json& profile = result.at("profile");
        ASSERT_EQ(profile.at("phases").size(), 1u) << result.at("test");
        const Json& phase = profile.at("phases")[0];
        EXPECT_EQ(phase.at("phase"), result.at("test"));
        EXPECT_EQ(phase.at("runs"), result.at("test") == "prompt" ? 2 : 6) << "two repetitions";
        EXPECT_EQ(phase.at("tokens"), (result.at("test") == "prompt" ? 12 : 6) * result.at("n_seq").get<int>());
        expect_sound(phase);
    }
    EXPECT_FALSE(json_of("t.json").at("traceEvents").empty());
    ASSERT_EQ(run_krait("bench -d cpu -p 0 -n 0 --no-ceilings --profile-trace " + path("none.json")).exit_code, 0);
    EXPECT_EQ(json_of("none.json").at("traceEvents").size(), 1u) << "the name of the device";
    const Answer table = run_krait(arguments + "--profile=nodes");
    for (const char* words : {"prompt 6, 1 sequence: profile:", "decode 3, 2 sequences: profile:", "blk.*.scan"})
        EXPECT_NE(table.text.find(words), std::string::npos) << words << "\n" << table.text;
    EXPECT_EQ(run_krait(arguments).text.find("profile"), std::string::npos);
}

TEST_F(ProfileCommand, WhatCannotBeWrittenIsRefusedFirst) {
    const auto refused = [](const std::string& arguments, const std::string& words) {
        const Answer answer = run_krait(arguments);
        EXPECT_EQ(answer.exit_code, 2) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << arguments << "\n" << answer.text;
    };
    refused(std::string(kRun) + "--profile-trace " + path("missing/t.json"), "missing/t.json': No such file");
    refused("bench -p 1 -n 0 --profile-trace " + path("missing/t.json"), "missing/t.json': No such file");
    refused("bench --profile -o csv", "has no place for a profile");
    refused("run --profile=layers -p a", "layers");
    refused("run -p a --explain --profile-json " + path("p.json"), "--explain runs nothing that could be profiled");
    refused("bench --explain --profile", "--explain runs nothing that could be profiled");
    const std::string model = path("model.gguf");
    ASSERT_EQ(run_krait("make-random " + model + " --layers 1 --d-model 64 --vocab 300").exit_code, 0);
    const auto size = std::filesystem::file_size(model);
    for (const char* option : {"--profile-json ", "--profile-trace "})
        refused("run " + model + " --tokens 1 " + option + model, "model.gguf");
    EXPECT_EQ(std::filesystem::file_size(model), size);
}

TEST_F(ProfileCommand, LongTextsAreProfiledAtTheirBeginning) {
    const Answer answer = run_krait("run -d cpu -p 'Once' -n 80 --ignore-eos --temperature 0 --no-timings --profile");
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_NE(answer.text.find("the profile is of the beginning"), std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("decode: 64 runs, 64 tokens"), std::string::npos) << answer.text;
}

}  // namespace
