// SPDX-License-Identifier: Apache-2.0
//
// JSON schemas, JSON objects and regular expressions: the texts that they accept, and what is said of those that are wrong.
#include <chrono>

#include "tests/text/grammar_fixture.hpp"

namespace krait::test {
namespace {

constexpr auto kSchema = GrammarKind::json_schema;
constexpr auto kRegex = GrammarKind::regex;

struct Case {
    const char* schema;
    std::vector<std::string> valid, invalid;
};

void check(const Case& given) {
    const Grammar grammar = grammar_of(kSchema, given.schema);
    for (const std::string& text : given.valid) EXPECT_TRUE(accepts(grammar, text)) << given.schema << "\n" << text;
    for (const std::string& text : given.invalid) EXPECT_FALSE(accepts(grammar, text)) << given.schema << "\n" << text;
}
std::string schema_error(std::string_view source) { return error_of(kSchema, source); }

TEST(GrammarSchema, AnyJson) {
    const std::vector<std::string> valid{"null", "true",        "-0.5e+10", "\"a\\u00e9\\ud83d\\ude00\\n\"",
                                         "[]",   "[1, 2 ,[3]]", "{}",       "{ \"a\" : { \"b\" : [ ] } ,\n\t\"c\":0}"};
    const std::vector<std::string> invalid{"",       "nul",  "01",         "1.",    "+1",    "\"\\x\"", "\"\\ud83d\"",
                                           "\"\n\"", "[1,]", "{\"a\":1,}", "{a:1}", "[1 2]", " 1"};
    for (const char* schema : {"{}", "true", "{\"title\": \"anything\"}"}) check({schema, valid, invalid});
    const Grammar object = grammar_of(GrammarKind::json_object, "");
    EXPECT_TRUE(accepts(object, "{\"a\": [1, {\"b\": null}]}"));
    EXPECT_FALSE(accepts(object, "[1]"));
}

TEST(GrammarSchema, TypesAndValues) {
    check({R"({"type": "integer"})", {"0", "-12", "123456789012345678901234567890"}, {"1.5", "\"1\"", "01"}});
    check({R"({"type": ["string", "null"]})", {"null", "\"x\""}, {"1", "{}"}});
    check({R"({"enum": ["a", "ab", 1, null, {"x": [1]}]})", {"\"a\"", "\"ab\"", "1", "null", "{\"x\":[1]}"}, {"\"abc\"", "2"}});
    check({R"({"const": "say \"é\""})", {"\"say \\\"é\\\"\""}, {"\"say\""}});
    check({R"({"type": "string", "enum": ["a", 1, "bcd"], "maxLength": 2})", {"\"a\""}, {"1", "\"bcd\""}});
    EXPECT_NE(schema_error("false").find("accepts no text"), std::string::npos);
}

TEST(GrammarSchema, Numbers) {
    check({R"({"type": "integer", "minimum": 3})",
           {"3", "4", "10", "99999"},
           {"2", "0", "01", "-5", "3.5", "03"}});  // llama.cpp 7797
    check({R"({"type": "integer", "minimum": -20, "maximum": 115})",
           {"-20", "-9", "0", "-0", "7", "99", "115"},
           {"-21", "116", "200", "-100"}});
    check({R"({"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991})",  // 16622, 16626
           {"-9007199254740991", "9007199254740991", "0"},
           {"-9007199254740992", "9007199254740992"}});
    check({R"({"type": "integer", "maximum": 2e10})", {"20000000000", "-3"}, {"20000000001"}});  // vllm 17894
    check({R"({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10})", {"1", "9"}, {"0", "-0", "10"}});
    check({R"({"type": "integer", "minimum": 2.5, "maximum": 4.5})", {"3", "4"}, {"2", "5"}});
    check({R"({"type": "integer", "minimum": -4.5, "maximum": -2.5})", {"-3", "-4"}, {"-2", "-5", "3"}});
    check({R"({"type": "number", "minimum": 0, "maximum": 1})", {"0", "0.0", "0.5", "1", "1.00", "-0"}, {"1.01", "-0.1", "2"}});
    check({R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})",
           {"0.001", "0.99"},
           {"0", "0.0", "1", "1.0", "-0.5"}});
    check({R"({"type": "number", "minimum": -90.25, "maximum": 90.5})",
           {"-90.25", "90.5", "90.49999", "-3", "0", "90"},
           {"90.51", "-90.26", "-91", "100"}});
    check({R"({"type": "number", "maximum": -1.5})", {"-1.5", "-2", "-100"}, {"-1.4", "0", "1.5"}});
    check({R"({"type": "integer", "multipleOf": 5})", {"0", "5", "-10", "12345"}, {"1", "12", "-7"}});
    check({R"({"type": "number", "multipleOf": 0.01})", {"0", "1", "1.5", "1.25", "-3.10", "2.0000"}, {"1.255", "0.001"}});
    check({R"({"type": "number", "multipleOf": 2.5, "minimum": 0, "maximum": 10})",
           {"0", "2.5", "5", "7.5", "10.0"},
           {"1", "12.5", "-2.5"}});
    EXPECT_NE(schema_error(R"({"type": "integer", "minimum": 5, "maximum": 4})").find("accepts no text"), std::string::npos);
    EXPECT_NE(schema_error(R"({"multipleOf": 1234567})").find("too many states"), std::string::npos);
    EXPECT_NE(schema_error(R"({"multipleOf": 0})").find("above 0"), std::string::npos);
}

// All numbers of a few digits beside the comparison of numbers.
TEST(GrammarSchema, NumbersBetweenAllBounds) {
    for (const double low : {-12.5, -1.0, 0.0, 0.5, 9.0, 10.25})
        for (const double high : {-10.0, -0.5, 0.0, 1.0, 9.75, 100.0})
            for (const bool is_exclusive : {false, true}) {
                if (low >= high) continue;
                const char* form = is_exclusive ? R"({{"type": "number", "exclusiveMinimum": {}, "exclusiveMaximum": {}}})"
                                                : R"({{"type": "number", "minimum": {}, "maximum": {}}})";
                const Grammar grammar = grammar_of(kSchema, fmt::format(fmt::runtime(form), low, high));
                for (int n = -1300; n <= 10100; n += 25) {
                    const double value = n / 100.0;
                    const bool expected = is_exclusive ? value > low && value < high : value >= low && value <= high;
                    ASSERT_EQ(accepts(grammar, fmt::format("{:.2f}", value)), expected) << low << " " << high << " " << value;
                    ASSERT_EQ(accepts(grammar, fmt::format("{}", value)), expected) << low << " " << high << " " << value;
                }
            }
}

TEST(GrammarSchema, Strings) {
    check({R"({"type": "string", "minLength": 2, "maxLength": 3})",
           {"\"ab\"", "\"日本語\"", "\"\\u00e9\\n\"", "\"\\ud83d\\ude00x\""},
           {"\"a\"", "\"abcd\"", "\"\""}});
    check({R"({"type": "string", "pattern": "^[a-z]+-\\d{2}$"})", {"\"ab-12\""}, {"\"ab-1\"", "\"xab-12x\"", "\"AB-12\""}});
    check({R"({"type": "string", "pattern": "b+"})", {"\"abbc\"", "\"b\""}, {"\"a\"", "\"\""}});
    check({R"({"type": "string", "pattern": "^a|b$"})", {"\"axx\"", "\"xxb\""}, {"\"xax\"", "\"bx\""}});
    check({R"({"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 3})",
           {"\"ab\"", "\"abc\""},
           {"\"a\"", "\"abcd\"", "\"AB\""}});
    check(
        {R"({"allOf": [{"pattern": "^a"}, {"pattern": "z$"}], "type": "string"})", {"\"az\"", "\"a..z\""}, {"\"a\"", "\"z\""}});
    check({R"({"type": "string", "pattern": "^\"\\\\\n$"})", {R"("\"\\\n")"}, {R"("\\")"}});
    EXPECT_NE(schema_error(R"x({"type": "string", "pattern": "(?=a)"})x")
                  .find("#/pattern: the pattern, line 1, column 1: looking ahead"),
              std::string::npos);
}

TEST(GrammarSchema, Formats) {
    const auto format = [](const char* name, std::vector<std::string> valid, std::vector<std::string> invalid) {
        for (auto* list : {&valid, &invalid})
            for (std::string& text : *list) text = "\"" + text + "\"";
        const std::string schema = fmt::format(R"({{"type": "string", "format": "{}"}})", name);
        check({schema.c_str(), valid, invalid});
    };
    format("date", {"2026-02-29", "1999-12-31"}, {"2026-13-01", "2026-04-31", "26-01-01"});
    format("time", {"23:59:60Z", "00:00:00.125+01:00"}, {"24:00:00Z", "12:00Z", "12:00:00"});
    format("date-time", {"2026-11-30T12:00:00Z"}, {"2026-11-30 12:00:00Z", "2026-11-30"});
    format("duration", {"P1Y2M3DT4H5M6S", "PT36H", "P3W"}, {"P", "PT", "1D", "P1H"});
    format("email", {"a.b+c@example.co.uk"}, {"a", "@b", "a@", ".a@b"});
    format("hostname", {"a-b.example"}, {"-a", "a..b", ""});
    format("ipv4", {"127.0.0.1", "255.255.255.255"}, {"256.0.0.1", "1.2.3", "01.2.3.4"});
    format("ipv6", {"::", "::1", "2001:db8::ff00:42:8329", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::"},
           {"1:2:3", ":::", "1:2:3:4:5:6:7:8:9"});
    format("uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567"});
    format("uri", {"https://a.b/c?d=e#f", "urn:x:y"}, {"a b:c", "/relative"});
    EXPECT_NE(schema_error(R"({"type": "string", "format": "color"})").find("#/format: the format 'color' is not supported"),
              std::string::npos);
}

TEST(GrammarSchema, Arrays) {
    check({R"({"type": "array", "items": {"type": "integer"}})", {"[]", "[1]", "[1, 2]", "[ 1 ]"}, {"[\"a\"]", "[1,]"}});
    check({R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
           {"[1,2]", "[1,2,3]"},
           {"[]", "[1]", "[1,2,3,4]"}});
    check({R"({"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "items": {"type": "null"}})",
           {"[]", "[1]", "[1,\"a\"]", "[1,\"a\",null,null]"},
           {"[2]", "[1,2]", "[1,\"a\",1]"}});
    check({R"({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": false, "minItems": 1})",
           {"[1]", "[1,2]"},
           {"[]", "[1,2,3]"}});
    check({R"({"type": "array", "maxItems": 0})", {"[]", "[ ]"}, {"[1]"}});
    check({R"({"type": "array", "maxItems": 1})", {"[]", "[{}]"}, {"[1,2]"}});
}

TEST(GrammarSchema, Objects) {
    check({R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}},
                "required": ["b"], "additionalProperties": false})",
           {R"({"b":""})", R"({"a":1,"b":"x"})", R"({"a": 1, "b": "x", "c": [1]})", R"({"b":"","c":{}})"},
           {"{}", R"({"a":1})", R"({"b":1})", R"({"b":"","d":1})", R"({"a":1,"a":1,"b":""})", R"({"b":"",})", R"({,"b":""})"}});
    check({R"({"type": "object", "properties": {"a": {"type": "integer"}}})",
           {"{}", R"({"a":1,"z":null,"y":"x"})", R"({"z":1})"},
           {R"({"a":"x"})", R"({"z":1,"a":"x"})"}});
    check({R"({"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1, "maxProperties": 2})",
           {R"({"a":1})", R"({"a":1,"b":2})"},
           {"{}", R"({"a":1,"b":2,"c":3})", R"({"a":"x"})"}});
    check({R"({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": false,
                "minProperties": 2, "maxProperties": 2})",
           {R"({"a":1,"c":2})", R"({"b":1,"c":2})"},
           {R"({"a":1})", R"({"a":1,"b":1,"c":1})", "{}"}});
    check(
        {R"({"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": {"type": "integer"}})",
         {R"({"x-a":"s","b":1})"},
         {R"({"x-a":1})", R"({"b":"s"})"}});
    check({R"({"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}})", {R"({"abc":1})"}, {R"({"Abc":1})"}});
    check({R"({"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}})",
           {R"({"x":1})", R"({"x":1,"y":2})"},
           {"{}", R"({"x":"a"})"}});
    check({R"({"type": "object", "properties": {"never": false, "b": true}})", {R"({"b":1})"}, {R"({"never":1})"}});
}

TEST(GrammarSchema, AnEscapedNameIsTheName) {
    const Grammar grammar = grammar_of(kSchema, R"({"type": "object", "properties": {"a": {"type": "integer"}}})");
    EXPECT_FALSE(accepts(grammar, "{\"\\u0061\":\"x\"}")) << "another spelling of a name must not be let through";
}

TEST(GrammarSchema, Combinations) {
    check({R"({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 5}]})", {"\"a\"", "5"}, {"4", "null"}});
    check({R"({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}},
                "required": ["kind"]}, {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]})",
           {R"({"kind":"a","n":1})", R"({"kind":"b","n":"x"})"},
           {R"({"kind":"a","n":"x"})", R"({"kind":"c"})"}});
    check({R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 3},
                "b": {"type": "null"}}, "required": ["a"]}], "type": "object"})",
           {R"({"a":3})", R"({"a":4,"b":null})"},
           {R"({"a":2})", R"({"b":null})"}});
    check(
        {R"({"properties": {"x": {"type": "integer"}}, "type": "object", "anyOf": [{"required": ["x"]}, {"required": ["y"]}]})",
         {R"({"x":1})", R"({"y":"a"})"},
         {"{}", R"({"z":1})"}});  // 7703
    EXPECT_NE(schema_error(R"({"oneOf": [{"type": "integer"}, {"minimum": 3}]})")
                  .find("#/oneOf: alternatives 0 and 1 of oneOf may hold together"),
              std::string::npos);
    EXPECT_EQ(schema_error(R"({"oneOf": [{"type": "integer", "maximum": 2}, {"type": "integer", "minimum": 3}]})"), "no error");
}

TEST(GrammarSchema, References) {  // 8073, 16790, ollama 8444
    check({R"({"$ref": "#/$defs/list", "$defs": {"list": {"type": "array",
                "items": {"$ref": "#/$defs/deep/properties/x"}}, "deep": {"properties": {"x": {"$ref": "#/$defs/n"}}},
                "n": {"type": "integer"}}})",
           {"[1,2]"},
           {"[\"a\"]"}});
    check(
        {R"({"prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}], "type": "array"})", {"[1,2]"}, {"[1,\"a\"]"}});
    check({R"({"$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"},
                "next": {"$ref": "#/$defs/node"}}, "required": ["v"], "additionalProperties": false}},
                "$ref": "#/$defs/node"})",
           {R"({"v":1,"next":{"v":2,"next":{"v":3}}})"},
           {R"({"v":1,"next":{}})"}});
    check({R"({"$id": "https://example.org/s", "$defs": {"a/b~c": {"$anchor": "here", "type": "null"}},
                "anyOf": [{"$ref": "#here"}, {"$ref": "https://example.org/s#/$defs/a~1b~0c"}]})",
           {"null"},
           {"1"}});
    EXPECT_NE(schema_error(R"({"$ref": "#/$defs/none"})").find("#/$ref: '#/$defs/none' is nowhere in the schema"),
              std::string::npos);
    EXPECT_NE(schema_error(R"({"$ref": "https://example.org/x"})").find("is outside of this schema"), std::string::npos);
    EXPECT_NE(schema_error(R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})").find("left recursion"), std::string::npos);
    EXPECT_NE(schema_error(R"({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]})")
                  .find("never comes to an end"),
              std::string::npos);
}

TEST(GrammarSchema, UnsupportedKeywordsNameTheirPath) {
    for (const char* keyword :
         {"not", "if", "contains", "dependentRequired", "unevaluatedProperties", "uniqueItems", "nullable", "minimun"}) {
        const std::string schema = fmt::format(R"({{"type": "object", "properties": {{"a": {{"{}": true}}}}}})", keyword);
        EXPECT_NE(schema_error(schema).find(
                      fmt::format("the schema, #/properties/a/{}: the keyword '{}' is not supported", keyword, keyword)),
                  std::string::npos)
            << schema_error(schema);
        const auto lenient = Grammar::create(kSchema, schema, {.is_lenient = true, .triggers = {}});
        ASSERT_TRUE(lenient) << lenient.error().message;
        ASSERT_EQ(lenient->warnings().size(), 1u);
        EXPECT_NE(lenient->warnings()[0].find(keyword), std::string::npos);
    }
    EXPECT_EQ(schema_error(R"({"x-order": 1, "description": "a", "uniqueItems": false})"), "no error");
}

TEST(GrammarSchema, WrongSchemas) {
    EXPECT_NE(schema_error("{").find("the schema is no JSON: line 1, column 2"), std::string::npos);
    EXPECT_NE(schema_error("[]").find("a schema is an object, true or false, and not array"), std::string::npos);
    EXPECT_NE(schema_error(R"({"type": "float"})").find("#/type: \"float\" is no type"), std::string::npos);
    EXPECT_NE(schema_error(R"({"required": "a"})").find("#/required: required is to be a list, not string"), std::string::npos);
    EXPECT_NE(schema_error(R"({"minLength": -1})").find("#/minLength: minLength is to be a whole number"), std::string::npos);
    EXPECT_NE(schema_error(R"({"anyOf": []})").find("#/anyOf: the list is empty"), std::string::npos);
    EXPECT_NE(schema_error(std::string(60'000, '[')).find("nested more than 200 deep"), std::string::npos);
}

TEST(GrammarSchema, LargeLimitsCostNothing) {  // 27859, unsloth 9923
    const auto begin = std::chrono::steady_clock::now();
    const Grammar grammar =
        grammar_of(kSchema,
                   R"({"type": "object", "properties": {"text": {"type": "string", "maxLength": 2000}, "list": {"type": "array",
                "maxItems": 1000000, "items": {"type": "string", "maxLength": 100000, "pattern": "^[a-z ]*$"}}},
                "required": ["text"]})");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    EXPECT_TRUE(accepts(grammar, "{\"text\":\"" + std::string(2000, 'x') + "\"}"));
    EXPECT_FALSE(accepts(grammar, "{\"text\":\"" + std::string(2001, 'x') + "\"}"));
}

TEST(GrammarRegex, Notation) {
    const auto matches = [](const char* regex, std::string_view text) { return accepts(kRegex, regex, text); };
    EXPECT_TRUE(matches("a(b|c)*d?", "abcb"));
    EXPECT_FALSE(matches("a(b|c)*d?", "xabcb")) << "the whole text";
    EXPECT_TRUE(matches("^[\\w.-]{2,}\\s\\S+$", "a-1 é"));
    EXPECT_TRUE(matches("\\x41\\u00e9\\u{1F600}\\ud83d\\ude00\\t\\/\\.", "Aé😀😀\t/."));
    EXPECT_TRUE(matches("[^\\d\\s-]+?", "abc"));
    EXPECT_FALSE(matches("[^\\d\\s-]+?", "a-c"));
    EXPECT_TRUE(matches("\\p{Lu}\\p{Ll}*\\P{L}", "Éa1"));
    EXPECT_TRUE(matches("(?:x{2}|(?<y>y))z{1,}", "yzz"));
    EXPECT_TRUE(matches("a{,2}", "a{,2}")) << "as in ECMA-262";
    EXPECT_FALSE(matches("a.b", "a\nb"));
    EXPECT_TRUE(matches("", ""));
    EXPECT_TRUE(matches("a{1000000}", std::string(1'000'000, 'a')));
}

TEST(GrammarRegex, PatternsOfReports) {  // 27580, 16714, 27397, 23436
    const auto pattern = [](const char* regex, const char* valid, const char* invalid) {
        const std::string schema = fmt::format(R"({{"type": "string", "pattern": "{}"}})", regex);
        check({schema.c_str(), {valid}, {invalid}});
    };
    pattern("^\\\\d+$", "\"123\"", "\"12a\"");
    pattern("^\\\\w+\\\\s\\\\S+$", "\"ab c\"", "\"ab\"");
    pattern("^a\\\\/b$", "\"a/b\"", "\"a\\/b\"");
}

TEST(GrammarRegex, ErrorsSayWhere) {
    const auto error = [](std::string_view source) { return error_of(kRegex, source); };
    EXPECT_NE(error("a(b").find("line 1, column 2: '(' is not closed"), std::string::npos);
    EXPECT_NE(error("a)").find("column 2: ')' closes no bracket"), std::string::npos);
    EXPECT_NE(error("*a").find("nothing in front of '*'"), std::string::npos);
    EXPECT_NE(error("a**").find("nothing in front of '*'"), std::string::npos);
    EXPECT_NE(error("[a").find("is not closed"), std::string::npos);
    EXPECT_NE(error("[z-a]").find("the range 'z-a' is empty"), std::string::npos);
    EXPECT_NE(error("(a)\\1").find("a group cannot be referred to"), std::string::npos);
    EXPECT_NE(error("\\bword").find("looks around"), std::string::npos);
    EXPECT_NE(error("a$b").find("nothing can follow '$'"), std::string::npos);
    EXPECT_NE(error("(^a)").find("'^' is possible only at the beginning"), std::string::npos);
    EXPECT_NE(error("a{3,1}").find("is empty"), std::string::npos);
    EXPECT_NE(error("\\p{Xx}").find("'Xx' is no general category"), std::string::npos);
    EXPECT_NE(error("(?i)a").find("flags"), std::string::npos);
    EXPECT_EQ(error(std::string(60'000, '(') + "a" + std::string(60'000, ')')), "no error");
}

}  // namespace
}  // namespace krait::test
