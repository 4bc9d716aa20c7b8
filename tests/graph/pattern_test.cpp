// SPDX-License-Identifier: Apache-2.0
//
// Patterns of --place: what they find, and that none of them crashes or hangs.
#include "graph/pattern.hpp"

#include <gtest/gtest.h>

namespace krait::graph {
namespace {

TEST(Pattern, OccursAnywhereInAName) {
    const auto pattern = Pattern::compile(R"(blk\.[0-9]+\.ssm_(in|out))");
    ASSERT_TRUE(pattern) << pattern.error().message;
    EXPECT_TRUE(*pattern->occurs_in("blk.17.ssm_out.weight"));
    EXPECT_FALSE(*pattern->occurs_in("blk.17.ssm_conv"));
    EXPECT_FALSE(*pattern->occurs_in(""));
    EXPECT_TRUE(*Pattern::compile("^output$")->occurs_in("output"));
}

TEST(Pattern, WhatIsNoneIsRefused) {
    for (const std::string& text :
         {std::string("blk.("), std::string("[a"), std::string("*"), std::string(500, '(') + std::string(500, ')')}) {
        const auto pattern = Pattern::compile(text);
        ASSERT_FALSE(pattern) << text;
        EXPECT_EQ(pattern.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(pattern.error().message.find("is no regular expression"), std::string::npos) << pattern.error().message;
    }
    const auto large = Pattern::compile(std::string(100000, 'a'));
    ASSERT_FALSE(large);
    EXPECT_NE(large.error().message.find("too long"), std::string::npos) << large.error().message;
}

TEST(Pattern, SearchingEnds) {
    for (const char* text : {"(.*.*)*!", "((.*)*)*!", "(a+)+!"}) {
        const auto pattern = Pattern::compile(text);
        ASSERT_TRUE(pattern) << pattern.error().message;
        const auto found = pattern->occurs_in("blk.17.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        if (found) EXPECT_FALSE(*found) << text;
        else EXPECT_EQ(found.error().code, ErrorCode::invalid_argument) << found.error().message;
    }
}

}  // namespace
}  // namespace krait::graph
