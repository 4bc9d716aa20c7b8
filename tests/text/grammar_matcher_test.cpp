// SPDX-License-Identifier: Apache-2.0
//
// Tokens and masks: which tokens may follow, what rollback takes back, lazy grammars, and limits.
#include <random>

#include "tests/text/grammar_fixture.hpp"

namespace krait::test {
namespace {

constexpr auto kGbnf = GrammarKind::gbnf;

TEST(GrammarMatcher, MaskHasTheTokensThatMayFollow) {
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= \"ab\" [0-9]+ \"c\"?"),
                                 tokens_of({"a", "b", "ab", "ab1", "abc", "1", "12c", "c", "1c1", ""}));
    EXPECT_EQ(allowed(matcher), "a|ab|ab1|");
    ASSERT_TRUE(matcher.accept(2));
    EXPECT_EQ(allowed(matcher), "b|");
    ASSERT_TRUE(matcher.accept(3));
    EXPECT_EQ(allowed(matcher), "1|12c|");
    EXPECT_FALSE(matcher.is_accepting());
    ASSERT_TRUE(matcher.accept(7));
    EXPECT_EQ(allowed(matcher), "</s>|1|12c|c|") << "an end only where the grammar accepts";
    EXPECT_TRUE(matcher.is_accepting());
    EXPECT_FALSE(*matcher.is_finished());
    ASSERT_TRUE(matcher.accept(8));
    EXPECT_TRUE(*matcher.is_finished());
    EXPECT_EQ(allowed(matcher), "</s>|");
    ASSERT_TRUE(matcher.accept(0));
    EXPECT_EQ(allowed(matcher), "");
}

TEST(GrammarMatcher, RefusedTokensChangeNothing) {  // llama.cpp 12597, 13341, 13690, 15608, 18173: it aborted
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= \"ab\""), tokens_of({"a", "b", "<unused>", ""}));
    for (const int32_t token : {0, 1, 3, 4, 5, -1, 6, INT32_MAX, INT32_MIN}) {
        const auto done = matcher.accept(token);
        ASSERT_FALSE(done) << token;
        EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
    }
    EXPECT_EQ(allowed(matcher), "a|");
    ASSERT_TRUE(matcher.accept(2));
    ASSERT_TRUE(matcher.accept(3));
    ASSERT_TRUE(matcher.accept(0));
    EXPECT_NE(matcher.accept(2).error().message.find("token 2 ('a') is not allowed here: the text has ended"),
              std::string::npos);
}

TEST(GrammarMatcher, CharactersOverSeveralTokens) {  // 2501, 2553
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= [😀-🙏]+"),
                                 tokens_of({"\xF0", "\xF0\x9F", "\x98\x80", "\x9F\x98", "\x80", "\xC3", "\xF0\x9F\x92"}));
    EXPECT_EQ(allowed(matcher), "\xF0|\xF0\x9F|");
    for (const int32_t token : {2, 5}) ASSERT_TRUE(matcher.accept(token));
    EXPECT_EQ(allowed(matcher), "\x80|");
    ASSERT_TRUE(matcher.accept(6));
    EXPECT_EQ(allowed(matcher), "</s>|\xF0|\xF0\x9F|");
    Matcher other = matcher_of(grammar_of(kGbnf, "root ::= [^é]"), tokens_of({"\xC3", "\xA9", "\xA8", "é"}));
    EXPECT_EQ(allowed(other), "\xC3|") << "other characters begin with this byte";
    ASSERT_TRUE(other.accept(2));
    EXPECT_EQ(allowed(other), "\xA8|");
}

TEST(GrammarMatcher, NulIsAByte) {
    Matcher matcher =
        matcher_of(grammar_of(kGbnf, R"(root ::= "\x00" "a")"), tokens_of({std::string(1, '\0'), std::string("\0a", 2), "a"}));
    ASSERT_TRUE(matcher.accept(2));
    EXPECT_EQ(allowed(matcher), "a|");
}

TEST(GrammarMatcher, TokensOfEqualBytes) {
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= \"aa\""), tokens_of({"a", "b", "a", "a", "aa"}));
    const auto mask = *matcher.mask();
    EXPECT_EQ(mask[0], 0b1110100u);
}

TEST(GrammarMatcher, TokensByIdAndByText) {
    const auto tokens = tokens_of({"a", "<think>", "b"});
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= <call> <[2]> (<think> | \"a\") !<think>"), tokens);
    EXPECT_EQ(allowed(matcher), "<call>|");
    ASSERT_TRUE(matcher.accept(1));
    EXPECT_EQ(allowed(matcher), "a|");
    ASSERT_TRUE(matcher.accept(2));
    EXPECT_EQ(allowed(matcher), "a|<think>|");
    ASSERT_TRUE(matcher.accept(3));
    EXPECT_EQ(allowed(matcher), "<call>|a|b|");
    ASSERT_TRUE(matcher.accept(4));
    EXPECT_TRUE(*matcher.is_finished());
    const auto unknown = Matcher::create(grammar_of(kGbnf, "root ::= <none>").program(), tokens);
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().message.find("'<none>', and the vocabulary has none of this text"), std::string::npos);
    EXPECT_FALSE(Matcher::create(grammar_of(kGbnf, "root ::= <[5]>").program(), tokens));
    EXPECT_FALSE(Matcher::create(grammar_of(kGbnf, "root ::= </s>").program(), tokens));
    EXPECT_FALSE(match_text(grammar_of(kGbnf, "root ::= <[2]>"), "a"));
}

TEST(GrammarMatcher, DeadEndsOfTheVocabularyAreAnError) {
    Matcher matcher = matcher_of(grammar_of(kGbnf, "root ::= \"ab\""), tokens_of({"a"}));
    ASSERT_TRUE(matcher.accept(2));
    EXPECT_NE(allowed(matcher).find("no token of the vocabulary goes on"), std::string::npos);
}

// A walk of random tokens with rollbacks beside one that begins anew each time.
TEST(GrammarMatcher, RollbackIsAsIfNothingHadBeen) {
    const Grammar grammar = grammar_of(
        kGbnf, "root ::= \"[\" (item (\",\" item){0,40})? \"]\"\nitem ::= [0-9]{1,3} | root | \"\\\"\" [^\"]{0,60} \"\\\"\"");
    const auto tokens = tokens_of({"[", "]", ",", "1", "23", "456", "\"", "ab", "\",\"", "],[", "[[", "é", "\xC3", "\xA9"});
    Matcher matcher = matcher_of(grammar, tokens);
    std::vector<int32_t> text;
    std::mt19937 random(7);
    for (int step = 0; step < 2000; ++step) {
        if (random() % 4 == 0 && !text.empty()) {
            const size_t n = random() % std::min<size_t>(text.size() + 1, 12);
            ASSERT_TRUE(matcher.rollback(n));
            text.resize(text.size() - n);
        }
        const auto mask = *matcher.mask();
        std::vector<int32_t> possible;
        for (size_t token = 1; token < tokens->n_token(); ++token)
            if (grammar::has_token(mask, token)) possible.push_back(static_cast<int32_t>(token));
        for (size_t token = 0; token < tokens->n_token(); ++token) {  // what the mask says is what accept does
            const bool is_allowed = grammar::has_token(mask, token);
            ASSERT_EQ(static_cast<bool>(matcher.accept(static_cast<int32_t>(token))), is_allowed) << token;
            ASSERT_TRUE(matcher.rollback(is_allowed ? 1 : 0));
        }
        if (step % 50 == 0) {
            Matcher anew = matcher_of(grammar, tokens);
            for (const int32_t token : text) ASSERT_TRUE(anew.accept(token));
            Matcher copy = *matcher.clone();
            ASSERT_EQ(allowed(anew), allowed(matcher));
            ASSERT_EQ(allowed(copy), allowed(matcher));
            ASSERT_TRUE(copy.rollback(text.size()));
            ASSERT_EQ(allowed(copy), "[|[[|");
        }
        if (possible.empty()) {
            matcher.reset();
            text.clear();
            continue;
        }
        text.push_back(possible[random() % possible.size()]);
        ASSERT_TRUE(matcher.accept(text.back()));
    }
    EXPECT_FALSE(matcher.rollback(text.size() + 1));
}

// Plain tokens are allowed by their number of characters; the same without that way.
TEST(GrammarMatcher, PlainTokensByTheirLength) {
    std::vector<std::string> texts{
        "\"", "\\", "\\n", "a\"", "ab\",", "\n", "\xC3", "é", "日本", "日本語", std::string(40, ' '), std::string(32, 'x')};
    for (size_t n = 1; n < 36; ++n) texts.push_back(std::string(n, 'y'));
    const auto tokens = tokens_of(texts);
    for (const char* bounds :
         {"*", "{0,1}", "{0,2}", "{0,5}", "{2,8}", "{0,31}", "{0,32}", "{0,33}", "{33,}", "{0,500}", "{300,500}"}) {
        const Grammar fast =
            grammar_of(kGbnf, fmt::format("root ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" [nt]){} \"\\\"\"", bounds));
        const Grammar slow = grammar_of(
            kGbnf, fmt::format("root ::= \"\\\"\" ([^\"\\\\\\x00-\\x1fq] | \"q\" | \"\\\\\" [nt]){} \"\\\"\"", bounds));
        ASSERT_FALSE(fast.program()->repeats.empty() && std::string_view(bounds) != "{0,1}");
        Matcher a = matcher_of(fast, tokens), b = matcher_of(slow, tokens);
        ASSERT_TRUE(a.accept(2));
        ASSERT_TRUE(b.accept(2));
        for (size_t n = 0; n < 80; ++n) {
            const std::string expected = allowed(b);
            ASSERT_EQ(allowed(a), expected) << bounds << " after " << n;
            for (size_t token = 0; token < tokens->n_token(); ++token) {  // by bytes alone
                const bool follows = static_cast<bool>(a.accept(static_cast<int32_t>(token)));
                ASSERT_EQ(grammar::has_token(*b.mask(), token), follows)
                    << bounds << " after " << n << ": " << tokens->text(static_cast<int32_t>(token));
                ASSERT_TRUE(a.rollback(follows ? 1 : 0));
            }
            if (!a.accept(14)) break;
            ASSERT_TRUE(b.accept(14));
        }
    }
}

TEST(GrammarMatcher, LazyGrammarsBeginAtATrigger) {
    const GrammarOptions options{.triggers = {"<call>", "```json"}};
    const Grammar grammar = grammar_of(kGbnf, "root ::= \"<call>\" [0-9]+ \"</call>\" | \"```json\" \"{}\" \"```\"", options);
    EXPECT_TRUE(accepts(grammar, "any text <ca, `` and more"));
    EXPECT_TRUE(accepts(grammar, "text <<call>12</call>"));
    EXPECT_TRUE(accepts(grammar, "text ```json{}```"));
    EXPECT_FALSE(accepts(grammar, "text <call>12"));
    EXPECT_EQ(matched(grammar, "text <call>x"), 11u);
    EXPECT_FALSE(accepts(grammar, "<call>1</call> and more"));
    EXPECT_TRUE(accepts(grammar, "<ca<call>1</call>")) << "a trigger behind the beginning of one";

    Matcher matcher = matcher_of(grammar, tokens_of({"a", "<ca", "ll>", "ll>x", "ll>7", "7", "</call>", "```jsonx"}));
    EXPECT_EQ(allowed(matcher), "</s>|<call>|a|<ca|ll>|ll>x|ll>7|7|</call>|") << "a control token may be the trigger";
    ASSERT_TRUE(matcher.accept(3));
    EXPECT_EQ(allowed(matcher), "</s>|<call>|a|<ca|ll>|ll>7|7|</call>|")
        << "the trigger and what the grammar refuses, in one token";
    ASSERT_TRUE(matcher.accept(4));
    EXPECT_EQ(allowed(matcher), "7|");
    ASSERT_TRUE(matcher.rollback(2));
    ASSERT_TRUE(matcher.accept(1));
    EXPECT_EQ(allowed(matcher), "7|");
    EXPECT_NE(error_of(kGbnf, "root ::= \"a\"", {.triggers = {"b"}}).find("no text of the grammar begins with the trigger 'b'"),
              std::string::npos);
    EXPECT_NE(error_of(kGbnf, "root ::= \"a\"", {.triggers = {""}}).find("a trigger has 0 bytes"), std::string::npos);
}

TEST(GrammarMatcher, StatesThatNobodyNeedsGiveWay) {
    const Grammar grammar = grammar_of(kGbnf, "root ::= (\"a\" [0-9]{3} [a-z]?){0,100000}");
    grammar::MatchLimits limits;
    limits.state_bytes = size_t{1} << 17;
    const auto tokens = tokens_of({"a", "12", "3", "4", "z"});
    Matcher small = matcher_of(grammar, tokens, limits), large = matcher_of(grammar, tokens);
    for (int i = 0; i < 3000; ++i) {
        const int32_t token = std::array{2, 3, 4 + i % 2}[static_cast<size_t>(i % 3)];
        const auto done = small.accept(token);
        if (!done) {  // all states are needed for rollbacks
            EXPECT_NE(done.error().message.find("need more than 128.0 KiB"), std::string::npos) << done.error().message;
            EXPECT_GT(i, 300);
            return;
        }
        ASSERT_TRUE(large.accept(token));
        const auto mask = small.mask();
        if (!mask) {
            EXPECT_EQ(mask.error().code, ErrorCode::unsupported);
        } else {
            EXPECT_EQ(allowed(small), allowed(large));
        }
    }
    FAIL() << "the limit was never reached";
}

TEST(GrammarMatcher, FailuresAtLimitsLetNothingThrough) {
    const Grammar grammar = grammar_of(kGbnf, "root ::= \"(\" root \")\" | \"x\"");
    grammar::MatchLimits limits;
    limits.depth = 10;
    Matcher matcher = matcher_of(grammar, tokens_of({"(", "x", ")", "(((("}), limits);
    int n = 0;
    while (n < 100 && matcher.accept(2)) ++n;
    EXPECT_EQ(n, 9);
    EXPECT_EQ(matcher.accept(2).error().code, ErrorCode::unsupported);
    EXPECT_NE(allowed(matcher).find("nested more than 10 rules"), std::string::npos) << "no mask either: it would not be true";
    limits = {};
    limits.steps = 20;
    Matcher slow = matcher_of(grammar, tokens_of({"(", "x", ")", "((((((((((((((((((((((((((((("}), limits);
    EXPECT_NE(allowed(slow).find("more than 20 steps"), std::string::npos);
}

}  // namespace
}  // namespace krait::test
