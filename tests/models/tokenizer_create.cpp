// SPDX-License-Identifier: Apache-2.0
//
// What Tokenizer::create refuses, and what it says; what the table answers afterwards.
#include <functional>

#include "tests/models/tokenizer_fixture.hpp"

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
    testing::Values(
        Refusal{"UnknownModel", [](auto& s) { s.model = "llama"; }, kUnsupported, {"'llama'", "gpt2"}},
        Refusal{"UnknownPre",
                [](auto& s) { s.pre = "klingon"; },
                kUnsupported,
                {"'klingon'", "default", "falcon", "gpt-2", "olmo"}},
        Refusal{"EmptyPre", [](auto& s) { s.pre = ""; }, kUnsupported, {"''", "default"}},
        Refusal{"NoTokens", [](auto& s) { s.tokens.clear(); }, kInvalid, {"empty"}},
        Refusal{"FewerTypes", [](auto& s) { s.token_types.pop_back(); }, kInvalid, {"731 tokens", "730 token types"}},
        Refusal{"MoreTypes", [](auto& s) { s.token_types.push_back(1); }, kInvalid, {"731 tokens", "732 token types"}},
        Refusal{"TypeZero", [](auto& s) { s.token_types[5] = 0; }, kInvalid, {"token 5", "type 0", "1 to 6"}},
        Refusal{"TypeSeven", [](auto& s) { s.token_types[730] = 7; }, kInvalid, {"token 730", "type 7"}},
        Refusal{"BosBehindTheEnd", [](auto& s) { s.bos = 731; }, kInvalid, {"bos", "731", "0 to 730"}},
        Refusal{"EosNegative", [](auto& s) { s.eos = -1; }, kInvalid, {"eos", "-1"}},
        Refusal{"UnkOutside", [](auto& s) { s.unk = 1 << 30; }, kInvalid, {"unk"}},
        Refusal{"PadOutside", [](auto& s) { s.pad = -7; }, kInvalid, {"pad", "-7"}},
        Refusal{"AddBosWithoutBos", [](auto& s) { s.bos.reset(), s.add_bos = true; }, kInvalid, {"bos"}},
        Refusal{"AddEosWithoutEos", [](auto& s) { s.eos.reset(), s.add_eos = true; }, kInvalid, {"eos"}},
        Refusal{"DuplicateToken", [](auto& s) { s.tokens[700] = s.tokens[40]; }, kInvalid, {"tokens 40 and 700"}},
        Refusal{"MergeOfOne", [](auto& s) { s.merges[3] = "ab"; }, kInvalid, {"merge 3", "'ab'", "one blank"}},
        Refusal{"MergeOfThree", [](auto& s) { s.merges[3] = "a b c"; }, kInvalid, {"merge 3", "'a b c'"}},
        Refusal{"MergeEmpty", [](auto& s) { s.merges[0] = ""; }, kInvalid, {"merge 0"}},
        Refusal{"MergeLeftEmpty", [](auto& s) { s.merges[3] = " a"; }, kInvalid, {"merge 3"}},
        Refusal{"MergeRightEmpty", [](auto& s) { s.merges[3] = "a "; }, kInvalid, {"merge 3"}},
        Refusal{"MergeUnknownLeft", [](auto& s) { s.merges[3] = "zqzq a"; }, kInvalid, {"merge 3", "'zqzq'", "no token"}},
        Refusal{"MergeUnknownRight", [](auto& s) { s.merges[3] = "a zqzq"; }, kInvalid, {"merge 3", "'zqzq'"}},
        Refusal{"MergeUnknownResult", [](auto& s) { s.merges[3] = "Q Q"; }, kInvalid, {"merge 3", "'QQ'", "no token"}},
        Refusal{"MergeTwice", [](auto& s) { s.merges[9] = s.merges[2]; }, kInvalid, {"merge 9", "twice"}},
        Refusal{"MergeMakesControl",
                [](auto& s) {
                    s.tokens[0] = "QZ";
                    s.merges.push_back("Q Z");
                },
                kInvalid,
                {"'QZ'", "type 3"}},
        Refusal{"MessageIsPrintable",
                [](auto& s) { s.merges[3] = "\x1b[31m\xff\u009b\u00e9" + std::string(5000, 'x'); },
                kInvalid,
                {"merge 3", "\\x1B[31m\\xFF\\xC2\\x9B\u00e9xxx", "...'"}}),
    [](const auto& test) { return test.param.name; });

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

}  // namespace
}  // namespace krait::test
