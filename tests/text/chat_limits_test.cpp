// SPDX-License-Identifier: Apache-2.0
//
// Templates that never end, that make values without end, or that are nested without end: an error, soon.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "tests/text/render.hpp"

namespace krait::test {
namespace {

struct Endless {
    const char* name;
    std::string source;
    const char* says;
};

std::string repeated(std::string_view part, int n) {
    std::string all;
    for (int i = 0; i < n; ++i) all += part;
    return all;
}

std::string numbered(std::string_view before, int n, std::string_view after) {
    std::string all;
    for (int i = 0; i < n; ++i) all += std::string(before) + std::to_string(i) + std::string(after);
    return all;
}

std::string many_parameters(int n) {
    return "{% macro f(" + numbered("a", n, "=1,") + "b=1) %}{% endmacro %}{% for i in range(99999) %}{{ f(1) }}{% endfor %}";
}
std::string many_arguments(int n) {
    return "{% for i in range(99999) %}{% set x = dict(" + numbered("a", n, "=1,") + "b=1) %}{% endfor %}";
}
std::string many_variables(int n) {
    return numbered("{% set a", n, " = 1 %}") + "{% for i in range(99999) %}{% set x = y %}{% endfor %}";
}

class EndlessTemplate : public testing::TestWithParam<Endless> {};

TEST_P(EndlessTemplate, EndsWithAnError) {
    // The best of three, for the pages of a long text cost more while others use the memory.
    double seconds = 1e9;
    Result<chat::MarkedText> text;
    for (int i = 0; i < 3 && seconds > 0.1; ++i) {
        const std::clock_t start = std::clock();
        text = render(GetParam().source);
        seconds = std::min(seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().message.find(GetParam().says), std::string::npos) << text.error().message;
    EXPECT_NE(text.error().message.find("line 1, column "), std::string::npos) << text.error().message;
#if defined(NDEBUG) && !defined(KRAIT_SANITIZED)
    EXPECT_LT(seconds, 0.1);
#else
    EXPECT_LT(seconds, 10);
#endif
}

constexpr const char* kSteps = "too many steps";
constexpr const char* kText = "too much text";
constexpr const char* kDeep = "nested more than";

INSTANTIATE_TEST_SUITE_P(
    Sources, EndlessTemplate,
    testing::Values(
        Endless{"Loops", "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", kSteps},
        Endless{"Doubling", "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
                kText},
        Endless{"Recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "expressions and macros are nested more than 500 deep"},
        Endless{"Repeating", "{{ 'a' * 10000000000 }}", kText}, Endless{"RepeatingLists", "{{ [1] * 10000000000 }}", kText},
        Endless{"Replacing", "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}", kText},
        Endless{"Joining", "{% set s = 'a' * 10000 %}{{ ([s] * 100000)|join }}", kText},
        Endless{"AListInItself", "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", kDeep},
        Endless{"EqualListsInThemselves",
                "{% set l = [] %}{% set _ = l.append(l) %}{% set m = [] %}{% set _ = m.append(m) %}{{ l == m }}", kDeep},
        Endless{"DeepList", "{% set n = namespace(a=[]) %}{% for i in range(9999) %}{% set n.a = [n.a] %}{% endfor %}{{ n.a }}",
                kDeep},
        Endless{"ExponentialRepr",
                "{% set n = namespace(a=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a }}",
                kSteps},
        Endless{"ExponentialJson",
                "{% set n = namespace(a=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% endfor %}{{ n.a|tojson }}",
                kSteps},
        Endless{
            "ExponentialEqual",
            "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}"
            "{% endfor %}{{ n.a == n.b }}",
            kSteps},
        Endless{"Searching", "{% set s = 'a' * 100000 %}{% for i in range(99999) %}{% set x = s.find('b') %}{% endfor %}",
                kSteps},
        Endless{"SearchingLongTexts", "{% set s = 'a' * 1000000 %}{{ s.find('a' * 500000 ~ 'b') }}", kSteps},
        Endless{"SearchingFromTheEnd", "{% set s = 'a' * 1000000 %}{{ s.rfind('a' * 500000 ~ 'b') }}", kSteps},
        Endless{"Containing", "{% set s = 'a' * 1000000 %}{{ ('a' * 500000 ~ 'b') in s }}", kSteps},
        Endless{"ReplacingLongTexts", "{% set s = 'a' * 1000000 %}{{ s|replace('a' * 500000 ~ 'b', '') }}", kSteps},
        Endless{"Counting", "{% set s = 'a' * 1000000 %}{{ s.count('a' * 500000 ~ 'b') }}", kSteps},
        Endless{"SplittingLongTexts", "{% set s = 'a' * 1000000 %}{{ s.split('a' * 500000 ~ 'b') }}", kSteps},
        Endless{"SearchingShortTexts",
                "{% set s = 'a' * 100000 %}{% for i in range(99999) %}{% set x = 'aaaaaaaaab' in s %}{% endfor %}", kSteps},
        Endless{"LongBeginnings", "{% set s = 'a' * 100000 %}{{ s.startswith((s ~ 'b', ) * 90000) }}", kSteps},
        Endless{"LongPrefixes",
                "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set x = s.removeprefix(s) %}{% endfor %}", kSteps},
        Endless{"LongNumbers", "{% set s = '9' * 1000000 %}{% for i in range(99999) %}{% set x = s|int %}{% endfor %}", kSteps},
        Endless{"Blanks", "{% set s = ' ' * 1000000 %}{% for i in range(99999) %}{% set x = s|trim %}{% endfor %}", kSteps},
        Endless{"ManyParameters", many_parameters(5000), kSteps}, Endless{"ManyArguments", many_arguments(5000), kSteps},
        Endless{"ManyVariables", many_variables(5000), kSteps},
        Endless{"Sorting", "{% for i in range(100) %}{% set x = range(100000)|sort|list %}{% endfor %}", kSteps},
        Endless{"Unique", "{% set x = range(100000)|unique|list %}", kSteps},
        Endless{"DictBuilding", "{% set d = {} %}{% for i in range(99999) %}{% set _ = d.update({i: i}) %}{% endfor %}",
                kSteps},
        Endless{"Nots", "{{ " + repeated("not ", 100000) + "x }}", kDeep},
        Endless{"Signs", "{{ " + repeated("- ", 100000) + "1 }}", kDeep},
        Endless{"Parentheses", "{{ " + repeated("(", 100000) + "x }}", kDeep},
        Endless{"Sums", "{{ " + repeated("1+", 100000) + "1 }}", "operators inside each other"},
        Endless{"Filters", "{{ 1" + repeated("|int", 100000) + " }}", "operators inside each other"},
        Endless{"Attributes", "{{ a" + repeated(".b", 100000) + " }}", "operators inside each other"},
        Endless{"Blocks", repeated("{% if 1 %}", 100000), kDeep}, Endless{"Width", "{{ '%999999999d' % 1 }}", "width"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ChatTemplate, IsRefusedWhereItIsTooLong) {
    const auto text = render(std::string((size_t{4} << 20) + 1, 'x'));
    ASSERT_FALSE(text);
    EXPECT_NE(text.error().message.find("at most 4194304"), std::string::npos) << text.error().message;
}

TEST(ChatTemplate, ALongConversationIsWithinTheLimits) {
    std::string json = "{\"messages\": [";
    for (int i = 0; i < 2000; ++i)
        json += std::string(i > 0 ? "," : "") + "{\"role\": \"user\", \"content\": \"" + std::string(2000, 'x') + "\"}";
    const auto text = render("{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}\n{% endfor %}", json + "]}");
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->bytes.size(), 2000u * 2007);
}

}  // namespace
}  // namespace krait::test
