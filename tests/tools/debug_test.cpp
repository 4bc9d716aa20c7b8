// SPDX-License-Identifier: Apache-2.0
//
// krait debug: finds the node that is wrong, in the prompt and in the token after it. The wrong nodes are those of the plugin
// with defects (tests/harness/broken), which is the reference otherwise.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/run_command.hpp"

namespace {

using krait::test::Answer;

Answer debug(const std::string& arguments) {
    return krait::test::run_krait("debug " + arguments, krait::test::Streams::output_and_errors,
                                  "KRAIT_BACKEND_PATH=" + std::string(krait::test::kBrokenPlugin));
}

TEST(Debug, DevicesThatAgree) {
    for (const char* device : {"reference", "broken", "cpu", "cpu:portable"}) {
        const Answer answer = debug(std::string("--compare ") + device + ",reference");
        EXPECT_EQ(answer.exit_code, 0) << device << "\n" << answer.text;
        EXPECT_NE(answer.text.find("results are within their tolerances"), std::string::npos) << device << "\n" << answer.text;
    }
}

std::vector<std::string> lines_with(const std::string& text, const std::string& words) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        if (line.find(words) != std::string::npos) lines.push_back(line);
    return lines;
}

struct Defect {
    const char* name;
    const char* node;  // the first that it spoils
    const char* run;
};

TEST(Debug, TheFirstWrongNodeIsNamed) {
    for (const Defect& defect :
         {Defect{"drops_the_last_term", "blk.0.in", "prompt"}, Defect{"swaps_taps", "blk.0.conv", "prompt"},
          Defect{"rounds_the_state", "blk.0.scan", "prompt"}, Defect{"forgets_on_short_runs", "blk.0.conv", "token"}}) {
        const Answer answer = debug(std::string("--compare broken:defect=") + defect.name + ",reference");
        EXPECT_EQ(answer.exit_code, 1) << defect.name << "\n" << answer.text;
        EXPECT_NE(answer.text.find("first over its tolerance: '" + std::string(defect.node) + "'"), std::string::npos)
            << defect.name << "\n"
            << answer.text;
        const auto wrong = lines_with(answer.text, "  OVER");
        ASSERT_EQ(wrong.size(), 1u) << answer.text;
        EXPECT_NE(wrong[0].find(std::string(" ") + defect.run + " "), std::string::npos) << defect.name << "\n" << answer.text;
    }
}

// Errors do not add up: the nodes behind a wrong one are right.
TEST(Debug, AllShowsThatTheOthersAreRight) {
    const Answer answer = debug("--all --compare broken:defect=swaps_taps,reference");
    EXPECT_EQ(answer.exit_code, 1);
    const auto wrong = lines_with(answer.text, "  OVER");
    EXPECT_GT(wrong.size(), 0u) << answer.text;
    EXPECT_GT(lines_with(answer.text, "  ok").size(), 5 * wrong.size()) << answer.text;
    for (const std::string& line : wrong) EXPECT_NE(line.find(".conv "), std::string::npos) << line;
}

TEST(Debug, BadInputIsRefused) {
    const auto refused = [](const std::string& arguments, const char* words) {
        const Answer answer = debug(arguments);
        EXPECT_EQ(answer.exit_code, 2) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << arguments << "\n" << answer.text;
    };
    refused("--compare cpu", "two devices are needed");
    refused("--compare ,", "two devices are needed");
    refused("-t \"\"", "0 tokens: at least 2 are needed");
    refused("--compare cpu,reference,cpu", "two devices are needed");
    refused("--compare nowhere0,reference", "there is no device family 'nowhere'");
    refused("--tokens 5", "1 tokens: at least 2 are needed");
    refused("--tokens 5,1000000", "token 1000000 is out of range");
    refused("--tokens 5,x", "'x' is no token id");
}

}  // namespace
