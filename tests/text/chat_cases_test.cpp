// SPDX-License-Identifier: Apache-2.0
//
// Templates against jinja2: data/chat_cases.json has what it renders, and where it fails (data/make_chat_cases.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/main/paths.hpp"
#include "tests/text/render.hpp"

namespace krait::test {
namespace {

TEST(ChatTemplate, RendersAsJinjaDoes) {
    std::ifstream file(std::string(kTestsFolder) + "/text/data/chat_cases.json");
    const auto data = nlohmann::ordered_json::parse(file);
    const std::string variables = data.at("variables").dump();
    size_t n_rendered = 0, n_failed = 0;
    for (const auto& one : data.at("cases")) {
        const std::string source = one.at("template");
        const auto text = render(source, variables);
        if (one.contains("text")) {
            ASSERT_TRUE(text) << source << "\n" << text.error().message;
            EXPECT_EQ(text->bytes, one.at("text").get<std::string>()) << source;
            ++n_rendered;
        } else {
            ASSERT_FALSE(text) << source << "\nwants " << one.at("fails") << ", got " << text->bytes;
            EXPECT_TRUE(text.error().message.starts_with("the chat template: line ")) << source << "\n" << text.error().message;
            ++n_failed;
        }
    }
    EXPECT_GE(n_rendered, 450u);
    EXPECT_GE(n_failed, 80u);
}

}  // namespace
}  // namespace krait::test
