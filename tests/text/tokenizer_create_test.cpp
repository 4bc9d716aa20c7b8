// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer::create: what it refuses, what it warns of and in which words; what the table answers afterwards.
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <functional>

#include "tests/text/tokenizer_fixture.hpp"

namespace krait::test {
namespace {

struct Refusal {
    std::string name;
    std::function<void(TokenizerSpec&)> spoil;
    ErrorCode code;
    std::vector<std::string> says;  // parts of the message
};

class TokenizerRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(TokenizerRefuses, AndSaysWhy) {
    TokenizerSpec spec = golden_spec();
    GetParam().spoil(spec);
    const auto tokenizer = Tokenizer::create(std::move(spec));
    ASSERT_FALSE(tokenizer);
    EXPECT_EQ(tokenizer.error().code, GetParam().code) << tokenizer.error().message;
    for (const auto& part : GetParam().says) {
        EXPECT_NE(tokenizer.error().message.find(part), std::string::npos) << tokenizer.error().message << "\nlacks " << part;
    }
}

constexpr auto kUnsupported = ErrorCode::unsupported;
constexpr auto kInvalid = ErrorCode::invalid_argument;

INSTANTIATE_TEST_SUITE_P(
    Specs, TokenizerRefuses,
    testing::Values(Refusal{"UnknownModel", [](auto& s) { s.model = "abacus"; }, kUnsupported, {"'abacus'", "gpt2"}},
                    Refusal{"NoTokens", [](auto& s) { s.tokens.clear(); }, kInvalid, {"empty"}}),
    [](const auto& test) { return test.param.name; });

struct Warned {
    std::string name;
    std::function<void(TokenizerSpec&)> spoil;
    std::vector<std::string> says;  // parts of one warning
};

class TokenizerWarns : public testing::TestWithParam<Warned> {};

// The flaw costs what it concerns and no more: text comes through all the same.
TEST_P(TokenizerWarns, AndGoesOn) {
    TokenizerSpec spec = golden_spec();
    GetParam().spoil(spec);
    const auto tokenizer = Tokenizer::create(std::move(spec));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    const auto says_all = [](const std::string& warning) {
        const auto& says = GetParam().says;
        return std::all_of(says.begin(), says.end(), [&](const auto& part) { return warning.find(part) != std::string::npos; });
    };
    const auto& warnings = tokenizer->warnings();
    EXPECT_TRUE(std::any_of(warnings.begin(), warnings.end(), says_all)) << fmt::format("{}", fmt::join(warnings, "\n"));
    const std::string text = "The quick fox jumps over 12 lazy dogs.";
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text).value()).value(), text);
}

INSTANTIATE_TEST_SUITE_P(
    Specs, TokenizerWarns,
    testing::Values(Warned{"FewerTypes", [](auto& s) { s.token_types.pop_back(); }, {"731 tokens", "730 token types"}},
                    Warned{"MoreTypes", [](auto& s) { s.token_types.push_back(1); }, {"731 tokens", "732 token types"}},
                    Warned{"TypeZero", [](auto& s) { s.token_types[5] = 0; }, {"token 5", "type 0", "1 to 6"}},
                    Warned{"TypeSeven", [](auto& s) { s.token_types[730] = 7; }, {"token 730", "type 7"}},
                    Warned{"BosBehindTheEnd", [](auto& s) { s.bos = 731; }, {"bos", "731", "0 to 730"}},
                    Warned{"EosNegative", [](auto& s) { s.eos = -1; }, {"eos", "-1"}},
                    Warned{"UnkOutside", [](auto& s) { s.unk = 1 << 30; }, {"unknown"}},
                    Warned{"PadOutside", [](auto& s) { s.pad = -7; }, {"pad", "-7"}},
                    Warned{"AddBosWithoutBos", [](auto& s) { s.bos.reset(), s.add_bos = true; }, {"bos"}},
                    Warned{"AddEosWithoutEos", [](auto& s) { s.eos.reset(), s.add_eos = true; }, {"eos"}},
                    Warned{"DuplicateToken", [](auto& s) { s.tokens[700] = s.tokens[40]; }, {"tokens 40 and 700"}},
                    Warned{"MergeOfOne", [](auto& s) { s.merges[3] = "ab"; }, {"merge 3", "'ab'", "one blank"}},
                    Warned{"MergeOfThree", [](auto& s) { s.merges[3] = "a b c"; }, {"merge 3", "'a b c'"}},
                    Warned{"MergeEmpty", [](auto& s) { s.merges[0] = ""; }, {"merge 0"}},
                    Warned{"MergeLeftEmpty", [](auto& s) { s.merges[3] = " a"; }, {"merge 3"}},
                    Warned{"MergeRightEmpty", [](auto& s) { s.merges[3] = "a "; }, {"merge 3"}},
                    Warned{"MergeUnknownLeft", [](auto& s) { s.merges[3] = "zqzq a"; }, {"merge 3", "'zqzq'", "no token"}},
                    Warned{"MergeUnknownRight", [](auto& s) { s.merges[3] = "a zqzq"; }, {"merge 3", "'zqzq'"}},
                    Warned{"MergeUnknownResult", [](auto& s) { s.merges[3] = "Q Q"; }, {"merge 3", "'QQ'", "no token"}},
                    Warned{"MergeTwice", [](auto& s) { s.merges[9] = s.merges[2]; }, {"merge 9", "twice"}},
                    Warned{"MergeMakesControl",
                           [](auto& s) {
                               s.tokens[0] = "QZ";
                               s.merges.push_back("Q Z");
                           },
                           {"'QZ'", "type 3"}},
                    Warned{"MessageIsPrintable",
                           [](auto& s) { s.merges[3] = "\x1b[31m\xff\u009b\u00e9" + std::string(5000, 'x'); },
                           {"merge 3", "\\x1b[31m\\xff\\xc2\\x9b\u00e9xxx", "'... (5010 bytes in all)"}}),
    [](const auto& test) { return test.param.name; });

TEST(TokenizerWarnings, AreNoneForASoundVocabulary) { EXPECT_EQ(golden_tokenizer().warnings(), std::vector<std::string>{}); }

// A flaw in thousands of places is told once.
TEST(TokenizerWarnings, CountTheFlawsOfAKind) {
    TokenizerSpec spec = golden_spec();
    const size_t n_merge = spec.merges.size();
    for (auto& merge : spec.merges) merge += "\u2603";
    const auto tokenizer = Tokenizer::create(std::move(spec)).value();
    ASSERT_EQ(tokenizer.warnings().size(), 1u);
    EXPECT_NE(tokenizer.warnings()[0].find(fmt::format("and {} more", n_merge - 1)), std::string::npos)
        << tokenizer.warnings()[0];
    EXPECT_EQ(tokenizer.encode("the").value().size(), 3u) << "no merge is left";
}

TEST(TokenizerWarnings, OfEqualTextsTheFirstIsTaken) {
    const auto tokenizer =
        Tokenizer::create({.tokens = {"", "a", "b", "a", "", "<c>", "<c>"}, .token_types = {1, 1, 1, 1, 3, 3, 3}}).value();
    EXPECT_EQ(tokenizer.warnings().size(), 2u);
    EXPECT_EQ(tokenizer.find("a"), 1);
    EXPECT_EQ(tokenizer.find(""), std::nullopt);
    EXPECT_EQ(tokenizer.encode("aba<c>", {.parse_special = true}).value(), (std::vector<int32_t>{1, 2, 1, 5}));
    EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0, 3, 4, 2}).value(), "ab");
}

// Ids become text without the rule that cuts text into pieces; text does not become ids.
TEST(TokenizerWithoutPreTokenizer, DecodesButSaysWhyItDoesNotEncode) {
    for (const char* pre : {"klingon", ""}) {
        const auto tokenizer = golden_tokenizer(pre);
        EXPECT_EQ(tokenizer.decode(golden_tokenizer().encode("the fox").value()).value(), "the fox");
        const auto ids = tokenizer.encode("the fox");
        ASSERT_FALSE(ids);
        EXPECT_EQ(ids.error().code, kUnsupported);
        for (const std::string& part :
             {fmt::format("'{}'", pre), std::string("default"), std::string("falcon"), std::string("olmo")})
            EXPECT_NE(ids.error().message.find(part), std::string::npos) << ids.error().message;
    }
}

TEST(TokenizerSecondBos, IsSeen) {
    TokenizerSpec spec = golden_spec();
    spec.add_bos = true;
    const auto tokenizer = Tokenizer::create(std::move(spec)).value();
    const auto has = [&](std::string_view text) {
        return tokenizer.has_second_bos(tokenizer.encode(text, {.parse_special = true}).value());
    };
    EXPECT_TRUE(has("<|endoftext|>the fox"));
    EXPECT_FALSE(has("the <|endoftext|>fox"));
    EXPECT_FALSE(has(""));
    EXPECT_FALSE(
        golden_tokenizer().has_second_bos(golden_tokenizer().encode("<|endoftext|>a", {.parse_special = true}).value()));
}

TEST(TokenizerTable, AnswersForEveryId) {
    const Tokenizer tokenizer = golden_tokenizer();
    ASSERT_EQ(tokenizer.size(), 731);
    EXPECT_EQ(tokenizer.bos(), 0);
    EXPECT_EQ(tokenizer.eos(), 0);
    EXPECT_EQ(tokenizer.pad(), std::nullopt);
    EXPECT_TRUE(tokenizer.is_control(0));
    EXPECT_FALSE(tokenizer.is_control(1));
    EXPECT_TRUE(tokenizer.covers_all_bytes());
    const int32_t they = tokenizer.find("\u0120they").value();
    EXPECT_EQ(tokenizer.token_bytes(they), " they");
    EXPECT_EQ(tokenizer.token_text(they), "\u0120they");
    const int32_t blanks = tokenizer.find("   ").value();
    EXPECT_EQ(tokenizer.token_type(blanks), TokenType::user_defined);
    EXPECT_EQ(tokenizer.token_bytes(blanks), "   ");
    EXPECT_EQ(tokenizer.token_bytes(0), "<|endoftext|>");
    EXPECT_EQ(tokenizer.find("no such token"), std::nullopt);
    for (const int32_t outside : {-1, 731, INT32_MIN, INT32_MAX}) {
        EXPECT_EQ(tokenizer.token_bytes(outside), "");
        EXPECT_EQ(tokenizer.token_text(outside), "");
        EXPECT_EQ(tokenizer.token_type(outside), TokenType::unused);
        const auto text = tokenizer.decode(std::vector<int32_t>{1, outside});
        ASSERT_FALSE(text);
        EXPECT_NE(text.error().message.find("0 to 730"), std::string::npos) << text.error().message;
    }
}

TEST(TokenizerTable, WithoutTypesAllTokensAreNormal) {
    TokenizerSpec spec = golden_spec();
    spec.token_types.clear();
    const auto tokenizer = Tokenizer::create(std::move(spec));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    for (int32_t id = 0; id < tokenizer->size(); ++id) ASSERT_EQ(tokenizer->token_type(id), TokenType::normal);
}

// Byte tokens of the form <0x41>, as other vocabularies write them.
TEST(TokenizerTable, ReadsByteTokens) {
    TokenizerSpec spec;
    for (int byte = 0; byte < 256; ++byte) spec.tokens.push_back(fmt::format("<0x{:02X}>", byte));
    spec.token_types.assign(256, static_cast<int32_t>(TokenType::byte));
    const auto tokenizer = Tokenizer::create(std::move(spec));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_EQ(tokenizer->encode("A\xff").value(), (std::vector<int32_t>{0x41, 0xff}));
    EXPECT_EQ(tokenizer->token_bytes(0x41), "A");
}

// A copy shares the tables, and outlives the original.
TEST(TokenizerTable, CopiesOutliveTheOriginal) {
    std::optional<Tokenizer> original = golden_tokenizer();
    const Tokenizer copy = *original;
    const auto ids = original->encode("the fox").value();
    original.reset();
    EXPECT_EQ(copy.encode("the fox").value(), ids);
}

// Wherever it is cancelled, and for each kind: sorting, and tables of tokens, of merges and of special tokens.
TEST(TokenizerCreate, IsCancelledAtAnyTime) {
    for (const char* model : {"gpt2", "llama", "t5", "bert", "rwkv", "plamo2"}) {
        TokenizerSpec spec{.model = model};
        for (int i = 0; i < 20'000; ++i) {
            spec.tokens.push_back(fmt::format("{:05}", i * 7919 % 20'000));
            spec.token_types.push_back(i % 4 == 3 ? 3 : 1);
            spec.scores.push_back(static_cast<float>(i * 7919 % 20'000) * -1e-3f);
        }
        spec.merges.resize(20'000);
        int n_call = 0, n_granted = INT_MAX;
        spec.keep_going = [&] { return ++n_call <= n_granted; };
        ASSERT_TRUE(Tokenizer::create(spec)) << model;
        const int n_all = n_call;
        EXPECT_GE(n_all, 6) << model;
        for (n_granted = 0; n_granted < n_all; ++n_granted) {
            n_call = 0;
            const auto cancelled = Tokenizer::create(spec);
            ASSERT_FALSE(cancelled) << model << ", " << n_granted << " of " << n_all;
            EXPECT_EQ(cancelled.error().code, ErrorCode::cancelled);
            EXPECT_EQ(n_call, n_granted + 1);
        }
    }
}

}  // namespace
}  // namespace krait::test
