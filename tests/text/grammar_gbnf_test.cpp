// SPDX-License-Identifier: Apache-2.0
//
// GBNF: its notation, the texts that grammars accept, and what is said of those that are wrong.
#include <chrono>

#include "tests/text/grammar_fixture.hpp"

namespace krait::test {
namespace {

constexpr auto kGbnf = GrammarKind::gbnf;

bool accepts_gbnf(std::string_view source, std::string_view text) { return accepts(kGbnf, source, text); }
std::string gbnf_error(std::string_view source) { return error_of(kGbnf, source); }

TEST(GrammarGbnf, NotationOfElements) {
    const Grammar grammar = grammar_of(kGbnf,
                                       "# a comment\n"
                                       "root ::= greeting (\", \" name)* [.!?]   # behind a rule\n"
                                       "greeting ::= \"hello\" |\n"
                                       "   \"good \" (\n\"morning\" | \"evening\"\n)\n"
                                       "\n"
                                       "name ::= [A-Z] [a-z-]+ | [^a-z.!?, ]{2,3}\n");
    EXPECT_TRUE(accepts(grammar, "hello!"));
    EXPECT_TRUE(accepts(grammar, "good evening, Ada, Jean-luc."));
    EXPECT_TRUE(accepts(grammar, "hello, 123?"));
    EXPECT_FALSE(accepts(grammar, "hello, 1?"));
    EXPECT_FALSE(accepts(grammar, "hello, 1234?"));
    EXPECT_FALSE(accepts(grammar, "hello"));
    EXPECT_EQ(matched(grammar, "good night"), 5u);
}

TEST(GrammarGbnf, Escapes) {
    EXPECT_TRUE(accepts_gbnf(R"(root ::= "\n\r\t\\\"\[\]\x41\u00e9\U0001F600")", "\n\r\t\\\"[]Aé😀"));
    EXPECT_TRUE(accepts_gbnf(R"(root ::= [\]\[\\\x00-\x1f]+)", std::string_view("]\\[\0\n", 5)));
    EXPECT_TRUE(accepts_gbnf(R"(root ::= [-a]+ [a-]+)", "-a-a"));
    EXPECT_TRUE(accepts_gbnf(R"(root ::= "\xff")", "ÿ")) << "code points, not bytes";
    EXPECT_NE(gbnf_error(R"(root ::= "\d")").find("line 1, column 11: there is no escape \\d"), std::string::npos);
    EXPECT_NE(gbnf_error(R"(root ::= "\ud800")").find("U+D800 is no character"), std::string::npos);
    EXPECT_NE(gbnf_error(R"(root ::= "\x4")").find("\\x needs 2 hexadecimal digits"), std::string::npos);
}

TEST(GrammarGbnf, RepetitionsCount) {
    for (size_t n = 0; n < 9; ++n) {
        const std::string text(n, 'a');
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"*", text), true);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"+", text), n >= 1);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"?", text), n <= 1);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{3}", text), n == 3);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{3,}", text), n >= 3);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{2,5}", text), n >= 2 && n <= 5);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{0,5}", text), n <= 5);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{,5}", text), n <= 5);
        EXPECT_EQ(accepts_gbnf("root ::= \"a\"{0}", text), n == 0);
        EXPECT_EQ(accepts_gbnf("root ::= (\"a\"{2}){1,3}", text), n == 2 || n == 4 || n == 6);
        EXPECT_EQ(accepts_gbnf("root ::= (\"a\"?){4}", text), n <= 4) << "an empty repetition counts for one of them";
        EXPECT_EQ(accepts_gbnf("root ::= (\"a\" | \"aa\"){2}", text), n >= 2 && n <= 4);
    }
}

TEST(GrammarGbnf, AMillionRepetitionsCostNothing) {
    const auto begin = std::chrono::steady_clock::now();
    const Grammar grammar = grammar_of(kGbnf, "root ::= \"a\"{1000000} (\"b\"{0,1000000} \"c\"){1000000}");
    EXPECT_LT(grammar.program()->nodes.size(), 100u);
    EXPECT_EQ(matched(grammar, std::string(5000, 'a') + "b"), 5000u);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    const Grammar exact = grammar_of(kGbnf, "root ::= \"a\"{20000}");
    EXPECT_TRUE(accepts(exact, std::string(20000, 'a')));
    EXPECT_FALSE(accepts(exact, std::string(19999, 'a')));
    EXPECT_EQ(matched(exact, std::string(20001, 'a')), 20000u);
}

TEST(GrammarGbnf, RecursionInTheMiddleAndAtTheEnd) {
    const Grammar brackets = grammar_of(kGbnf, "root ::= \"(\" root \")\" root | \"\"");
    EXPECT_TRUE(accepts(brackets, ""));
    EXPECT_TRUE(accepts(brackets, "(()(()))()"));
    EXPECT_FALSE(accepts(brackets, "(()"));
    EXPECT_EQ(matched(brackets, "())"), 2u);
    EXPECT_TRUE(accepts(brackets, std::string(4000, '(') + std::string(4000, ')')));
    const Grammar list = grammar_of(kGbnf, "root ::= \"a\" root | \"b\"");
    EXPECT_TRUE(accepts(list, std::string(200'000, 'a') + "b")) << "recursion at the end needs no stack";
}

TEST(GrammarGbnf, NestingOfTheTextIsLimited) {
    const Grammar brackets = grammar_of(kGbnf, "root ::= \"(\" root \")\" | \"\"");
    const auto match = match_text(brackets, std::string(100'000, '('));
    ASSERT_FALSE(match);
    EXPECT_NE(match.error().message.find("nested more than 4096 rules"), std::string::npos);
}

// Every way to read the text is followed: the number of ways grows as 2^n here, the work does not.
TEST(GrammarGbnf, AmbiguityIsShared) {
    const Grammar grammar = grammar_of(kGbnf, "root ::= x root \"1\" | x root \"2\" | \"\"\nx ::= \"a\" | \"a\"");
    std::string text(300, 'a');
    for (int i = 0; i < 300; ++i) text += i % 3 == 0 ? '1' : '2';
    EXPECT_TRUE(accepts(grammar, text));
    const Grammar options =
        grammar_of(kGbnf, "root ::= x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x? x?\nx ::= [a-z]");
    EXPECT_TRUE(accepts(options, "abcdefghijklmnopqrstu"));
    EXPECT_FALSE(accepts(options, "abcdefghijklmnopqrstuv"));
}

TEST(GrammarGbnf, TooManyPlacesAreAnError) {
    const Grammar grammar = grammar_of(kGbnf, "root ::= (\"a\" | \"aa\"){0,1000000}");
    const auto match = match_text(grammar, std::string(1000, 'a'), {.items = 100});
    ASSERT_FALSE(match);
    EXPECT_NE(match.error().message.find("too ambiguous"), std::string::npos);
    EXPECT_TRUE(accepts(grammar, std::string(1000, 'a')));
}

TEST(GrammarGbnf, LeftRecursionIsRefusedByName) {
    EXPECT_NE(gbnf_error("root ::= root \"a\" | \"a\"").find("'root' -> 'root'"), std::string::npos);
    const std::string circle = gbnf_error("root ::= a\na ::= empty b\nempty ::= \"x\"*\nb ::= a \"c\" | \"d\"");
    EXPECT_NE(circle.find("left recursion"), std::string::npos) << circle;
    EXPECT_NE(circle.find("'a' -> 'b' -> 'a'"), std::string::npos) << circle;
    EXPECT_NE(gbnf_error("root ::= (root \"a\")* \"b\"").find("left recursion"), std::string::npos);
    EXPECT_EQ(gbnf_error("root ::= \"a\" root | \"b\""), "no error");
}

TEST(GrammarGbnf, RulesThatNeverEnd) {
    EXPECT_NE(gbnf_error("root ::= \"a\" root").find("rule 'root' never comes to an end"), std::string::npos);
    const Grammar grammar = grammar_of(kGbnf, "root ::= \"a\" (trap | \"b\")\ntrap ::= \"c\" trap");
    EXPECT_EQ(matched(grammar, "ac"), 1u) << "nobody is let into a rule that never ends";
    EXPECT_TRUE(accepts(grammar, "ab"));
}

TEST(GrammarGbnf, ErrorsSayWhere) {
    EXPECT_EQ(gbnf_error("root ::= a\n\na ::= \"x\" b-c\n"),
              "the grammar, line 3, column 11: rule 'b-c' is not defined: write b-c ::= ...");
    EXPECT_NE(gbnf_error("a ::= \"x\"").find("there is no rule 'root'"), std::string::npos);
    EXPECT_NE(gbnf_error("").find("there is no rule 'root'"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"\nroot ::= \"b\"").find("line 2, column 1: rule 'root' is defined a second time"),
              std::string::npos);
    EXPECT_NE(gbnf_error("root = \"a\"").find("column 6: '::=' is missing behind 'root'"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a").find("column 10: the literal that begins here is not closed"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= [a-").find("column 10: the class that begins here is not closed"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= [z-a]").find("the range from U+007A to U+0061 is empty"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= []").find("no characters"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= (\"a\"").find("column 10: '(' is not closed"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\")").find("column 13: ')' cannot stand here"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= *").find("nothing in front of '*'"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"é\" \xff").find("column 14: byte 0xff is no UTF-8"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= <[x]>").find("'<[x]>' is no token"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= <think").find("the token that begins here is not closed"), std::string::npos);
}

// ---- reports about llama.cpp: the right behaviour ----

TEST(GrammarGbnf, NestedStars) {  // 18988, 18604
    for (const char* source : {"root ::= (\"a\"*)*", "root ::= ((\"a\"*)+)?", "root ::= (\"a\"* | \"\")*"}) {
        EXPECT_TRUE(accepts_gbnf(source, "")) << source;
        EXPECT_TRUE(accepts_gbnf(source, "aaa")) << source;
        EXPECT_FALSE(accepts_gbnf(source, "aab")) << source;
    }
}

TEST(GrammarGbnf, RepetitionOfBlanksThatMayBeEmpty) {  // 13762
    const Grammar grammar = grammar_of(kGbnf,
                                       "root ::= \"---- MODULE\" ws name ws \"----\" ws \"====\"\n"
                                       "name ::= [a-zA-Z]+\nws ::= (sp | nl)*\nsp ::= \" \"*\nnl ::= \"\\n\"*\n");
    EXPECT_TRUE(accepts(grammar, "---- MODULE Test ----\n===="));
}

TEST(GrammarGbnf, SixtyThousandBrackets) {  // 26600, 26602
    const std::string open(60'000, '('), close(60'000, ')');
    EXPECT_TRUE(accepts_gbnf("root ::= " + open + "\"a\"" + close, "a"));
    EXPECT_NE(gbnf_error("root ::= " + open + "\"a\"").find("'(' is not closed"), std::string::npos);
    std::string stars;  // each a rule inside another one
    for (int i = 0; i < 60'000; ++i) stars += ")*";
    const auto match = match_text(grammar_of(kGbnf, "root ::= " + open + "\"a\"" + stars), "a");
    ASSERT_FALSE(match);
    EXPECT_NE(match.error().message.find("nested more than"), std::string::npos);
}

TEST(GrammarGbnf, BoundsThatAreImpossible) {  // 23108, 17352
    EXPECT_NE(gbnf_error("root ::= \"a\"{5,0}").find("column 13: {5,0} is empty"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"{2000000000,2147483647}").find("2147483647 repetitions are too many"),
              std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"{99999999999999999999999}").find("too many"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"{,}").find("has no number"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"{x}").find("a number is missing"), std::string::npos);
    EXPECT_NE(gbnf_error("root ::= \"a\"{1,2").find("'}' is missing"), std::string::npos);
}

TEST(GrammarGbnf, UndefinedStart) {  // 18990
    EXPECT_NE(gbnf_error("start ::= \"a\"").find("there is no rule 'root'"), std::string::npos);
}

TEST(GrammarGbnf, NegatedClassesOfOtherScripts) {  // xgrammar 848, 138, 491
    const Grammar grammar = grammar_of(kGbnf, "root ::= [^é]+");
    EXPECT_TRUE(accepts(grammar, "eèÃ"));
    EXPECT_EQ(matched(grammar, "aé"), 2u) << "the first byte of é is that of è too";
    EXPECT_TRUE(accepts_gbnf("root ::= [а-я]+", "привет"));
    EXPECT_FALSE(accepts_gbnf("root ::= [а-я]+", "Привет"));
    EXPECT_FALSE(accepts_gbnf("root ::= .", "\xC0\x80")) << "an overlong form is no character";
    EXPECT_FALSE(accepts_gbnf("root ::= .", "\xED\xA0\x80")) << "a surrogate is none";
}

}  // namespace
}  // namespace krait::test
