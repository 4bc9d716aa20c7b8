// SPDX-License-Identifier: Apache-2.0
//
// JSON of clients: what is bounded, and how fields are read.
#include <gtest/gtest.h>

#include "server/fields.hpp"

namespace krait::server {
namespace {

void expect_refused(const std::string& text, const std::string& words) {
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed.has_value()) << text.substr(0, 100);
    EXPECT_EQ(parsed.error().status, 400);
    EXPECT_NE(parsed.error().message.find(words), std::string::npos) << parsed.error().message;
}

TEST(ServerJson, WhatIsNoObjectIsRefused) {
    for (const char* text : {"", "{", "{\"a\":}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":1e999}", "{\"a\":01}",
                             "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":1}x", "{'a':1}", "{\"a\":\"\\ud800\"}"})
        expect_refused(text, "no JSON at byte");
    expect_refused("[1]", "object");
    expect_refused("3", "object");
}

TEST(ServerJson, DepthAndSizeAreBounded) {
    const auto nested = [](size_t depth) {
        return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)).has_value());
    expect_refused(nested(kMaxJsonDepth + 1), "inside each other");
    expect_refused(nested(1'000'000), "inside each other");
    std::string wide = "{\"a\":[0";
    for (size_t i = 0; i < kMaxJsonValues; ++i) wide += ",0";
    expect_refused(wide + "]}", "values");
}

TEST(ServerJson, TextsThatAreNoUtf8AreWrittenWithReplacements) {
    EXPECT_EQ(to_text({{"a", "x\xffy"}}), "{\"a\":\"x\xef\xbf\xbdy\"}");
}

class ServerFields : public testing::Test {
  protected:
    Json body_ = *parse_json(R"({"null":null,"number":1.5,"whole":7,"large":18446744073709551615,"float":8.0,"huge":1e300,
        "text":"a","texts":["a","b"],"mixed":["a",1],"yes":true,"object":{},"list":[]})");
    Fields fields_{body_, "body"};
    void expect_error(const std::string& param, const std::string& words) {
        ASSERT_TRUE(fields_.error().has_value());
        EXPECT_EQ(fields_.error()->param, param);
        EXPECT_NE(fields_.error()->message.find(words), std::string::npos) << fields_.error()->message;
    }
};

TEST_F(ServerFields, NullIsTheSameAsNoField) {
    for (const char* name : {"null", "missing"}) {
        EXPECT_FALSE(fields_.number(name, 0, 1));
        EXPECT_FALSE(fields_.integer(name, 0, 1));
        EXPECT_FALSE(fields_.text(name));
        EXPECT_FALSE(fields_.boolean(name));
        EXPECT_EQ(fields_.object(name), nullptr);
        EXPECT_TRUE(fields_.texts(name, 4).empty());
    }
    EXPECT_FALSE(fields_.error());
}

TEST_F(ServerFields, ValuesAreRead) {
    EXPECT_EQ(fields_.number("number", 0, 2), 1.5);
    EXPECT_EQ(fields_.number("whole", 0, 10), 7);
    EXPECT_EQ(fields_.integer("whole", 0, 10), 7);
    EXPECT_EQ(fields_.integer("float", 0, 10), 8) << "what JavaScript calls a whole number";
    EXPECT_EQ(fields_.texts("text", 4), std::vector<std::string>{"a"});
    EXPECT_EQ(fields_.texts("texts", 4), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(fields_.boolean("yes"), true);
    EXPECT_FALSE(fields_.error());
}

TEST_F(ServerFields, NumbersOutOfRangeAreRefused) {
    (void)fields_.number("number", 0, 1);
    expect_error("body.number", "is 1.5: it has to be from 0 to 1");
    (void)fields_.text("number");
    expect_error("body.number", "1.5");
}

TEST_F(ServerFields, HugeNumbersAreNoWholeNumbers) {
    (void)fields_.integer("huge", INT64_MIN, INT64_MAX);
    expect_error("body.huge", "whole number");
}
TEST_F(ServerFields, NumbersBeyondSixtyThreeBitsAreRefused) {
    (void)fields_.integer("large", INT64_MIN, INT64_MAX);
    expect_error("body.large", "18446744073709551615");
}
TEST_F(ServerFields, FractionsAreNoWholeNumbers) {
    (void)fields_.integer("number", 0, 10);
    expect_error("body.number", "whole number");
}
TEST_F(ServerFields, ListsOfTextsHaveNothingElse) {
    (void)fields_.texts("mixed", 4);
    expect_error("body.mixed", "no text");
}
TEST_F(ServerFields, ListsOfTextsAreBounded) {
    (void)fields_.texts("texts", 1);
    expect_error("body.texts", "at most 1");
}
TEST_F(ServerFields, TypesAreChecked) {
    (void)fields_.boolean("text");
    expect_error("body.text", "true or false");
}

}  // namespace
}  // namespace krait::server
