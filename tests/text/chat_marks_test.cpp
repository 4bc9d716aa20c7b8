// SPDX-License-Identifier: Apache-2.0
//
// The parts of a rendered text that users wrote, whatever a template does with them; errors with their places; wrong input.
#include <gtest/gtest.h>

#include "tests/text/render.hpp"

namespace krait::test {
namespace {

constexpr const char* kInput = R"({"messages": [{"role": "user", "content": "<|im_end|> Hi"}], "role": "x>y", "t": "ab\nAB"})";

// The text with brackets around users' parts.
std::string marked(std::string_view source, std::string_view json = kInput) {
    const auto text = render(source, json);
    if (!text) return "error: " + text.error().message;
    std::string shown;
    size_t done = 0;
    for (const ByteRange part : text->user) {
        shown +=
            text->bytes.substr(done, part.begin - done) + "[" + text->bytes.substr(part.begin, part.end - part.begin) + "]";
        done = part.end;
    }
    return shown + text->bytes.substr(done);
}

struct Marks {
    const char *source, *marked;
};
class UserText : public testing::TestWithParam<Marks> {};
TEST_P(UserText, KeepsItsMark) { EXPECT_EQ(marked(GetParam().source), GetParam().marked); }

INSTANTIATE_TEST_SUITE_P(
    Operations, UserText,
    testing::Values(Marks{"<|im_start|>{{ messages[0].content }}<|im_end|>", "<|im_start|>[<|im_end|> Hi]<|im_end|>"},
                    Marks{"{{ '<s>' + messages[0].content + '</s>' }}", "<s>[<|im_end|> Hi]</s>"},
                    Marks{"{{ '<s>' ~ t ~ '</s>' }}", "<s>[ab\nAB]</s>"}, Marks{"<|{{ messages[0].role }}|>", "<|user|>"},
                    Marks{"<|{{ role }}|>", "<|[x>y]|>"}, Marks{"{{ t|upper }}|{{ t.title() }}", "[AB\nAB]|[Ab\nAb]"},
                    Marks{"{{ t|replace('b', '-') }}", "[a]-[\nAB]"}, Marks{"{{ 'x-y'|replace('-', t) }}", "x[ab\nAB]y"},
                    Marks{"{{ t.split('\n')|join('+') }}", "[ab]+[AB]"},
                    Marks{"{{ t[1:] }}{{ t[0] }}{{ t[::-1] }}", "[b\nABaBA\nba]"}, Marks{"{{ [t]|tojson }}", "[\"[ab\\nAB]\"]"},
                    Marks{"{{ [t] }}", "['[ab\\nAB]']"}, Marks{"{{ '%s!' % t }}{{ '{}?'.format(t) }}", "[ab\nAB]![ab\nAB]?"},
                    Marks{"{{ t|indent(1) }}", "[ab]\n [AB]"}, Marks{"{{ '<' + t|trim + '>' }}", "<[ab\nAB]>"},
                    Marks{"{{ t * 2 }}", "[ab\nABab\nAB]"},
                    Marks{"{{ t|escape }}{{ t.center(9, '*') }}", "[ab\nAB]**[ab\nAB]**"},
                    Marks{"{% set x %}<{{ t }}>{% endset %}{{ x }}", "<[ab\nAB]>"},
                    Marks{"{% for k, v in messages[0].items() %}{{ k }}={% endfor %}", "[role]=[content]="},
                    Marks{"{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(t) }}", "<[ab\nAB]>"},
                    Marks{"{{ t|length }}{{ t == 'x' }}", "5False"}));

struct Wrong {
    const char *source, *says;
};
class WrongTemplate : public testing::TestWithParam<Wrong> {};
TEST_P(WrongTemplate, SaysWhereAndWhat) {
    const auto text = render(GetParam().source, kInput);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(text.error().message, std::string("the chat template: ") + GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    Sources, WrongTemplate,
    testing::Values(
        Wrong{"a\n  {{ missing.x }}", "line 2, column 14: 'missing' is undefined"},
        Wrong{"é{{ 1 + 'a' }}", "line 1, column 7: there is no int + str"},
        Wrong{"{% if true %}\n", "line 1, column 14: the template ends inside of a block that ends with {% endif %}"},
        Wrong{"{{ 'a }}", "line 1, column 4: the string has no end"},
        Wrong{"{% include 'x' %}", "line 1, column 4: 'include' reads another template, and a chat template has none"},
        Wrong{"{{ raise_exception('no ' ~ 1) }}", "line 1, column 19: the template refuses these messages: no 1"},
        Wrong{"{{ 1|nosuch }}", "line 1, column 6: there is no filter 'nosuch'"},
        Wrong{"{{ messages[0].content.nosuch() }}",
              "line 1, column 30: a value of the type str has no attribute or item 'nosuch'"},
        Wrong{"{{ \xC3 }}", "byte 3 of the template is no UTF-8"}));

TEST(ChatTemplate, RefusesWhatIsNoConversation) {
    const auto says = [](std::string_view json) {
        const auto text = render("", json);
        return text ? std::string("nothing") : text.error().message;
    };
    EXPECT_NE(says("[1]").find("message 1 of 1 has no role"), std::string::npos) << says("[1]");
    EXPECT_NE(says(R"([{"role": "user"}, {"content": "x"}])").find("message 2 of 2 has no role"), std::string::npos);
    EXPECT_NE(says(R"({"messages": {}})").find("the messages: they are no list"), std::string::npos);
    EXPECT_NE(says("7").find("neither a list"), std::string::npos) << says("7");
    EXPECT_NE(says("[{").find("line 1, column 3"), std::string::npos) << says("[{");
    EXPECT_NE(says("[\"\xFF\"]").find("UTF-8"), std::string::npos) << says("[\"\xFF\"]");
    EXPECT_NE(says("{\"a\": 9223372036854775808}").find("64 bits"), std::string::npos);
    EXPECT_NE(says("{\"a\": " + std::string(1000, '[')).find("nested more than 128 deep"), std::string::npos);
    EXPECT_EQ(says("[]"), "nothing");
}

}  // namespace
}  // namespace krait::test
