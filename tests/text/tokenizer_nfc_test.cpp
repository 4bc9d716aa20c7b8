// SPDX-License-Identifier: Apache-2.0
//
// Text in NFC, and what is left as it is. That whole texts become the right ids is tested by pre_tokenizer_golden_test.cpp.
#include <chrono>

#include "tests/text/tokenizer_fixture.hpp"
#include "text/tokenizer/nfc.hpp"

namespace krait::test {
namespace {

// The examples of The Unicode Standard, chapter 3.11 and 3.12, and of Annex #15.
TEST(Nfc, ComposesOrdersAndReplaces) {
    EXPECT_EQ(to_nfc(""), "");
    EXPECT_EQ(to_nfc("cafe\u0301"), "caf\u00e9");
    EXPECT_EQ(to_nfc("D\u0307\u0323"), "\u1e0c\u0307") << "the mark below comes first";
    EXPECT_EQ(to_nfc("\u1112\u1161\u11ab"), "\ud55c") << "Hangul by its own rule";
    EXPECT_EQ(to_nfc("\u212b"), "\u00c5") << "a character that stands for another one";
    EXPECT_EQ(to_nfc("\u0958"), "\u0915\u093c") << "one that is never composed";
    EXPECT_EQ(to_nfc("\ufb01"), "\ufb01") << "only canonical forms, not those of compatibility";
    EXPECT_EQ(to_nfc("\u0301"), "\u0301") << "a mark alone";
    const std::string with_zero("a\0e\u0301", 5);
    EXPECT_EQ(to_nfc(with_zero), std::string("a\0\u00e9", 4));
}

TEST(Nfc, KnowsTextThatNeedsNothing) {
    for (const std::string text : {"", "plain", "caf\u00e9 \u00ff", "\u02ff"}) {
        EXPECT_TRUE(is_nfc_for_sure(text)) << text;
        EXPECT_EQ(to_nfc(text), text);
    }
    EXPECT_FALSE(is_nfc_for_sure("e\u0301"));
    EXPECT_FALSE(is_nfc_for_sure("\u0300"));
}

// Marks in the wrong order, as nobody writes them: the time grows with the text, not with its square.
TEST(Nfc, OrdersManyMarksInShortTime) {
    constexpr size_t kMarks = 200'000;
    std::string above, below;
    for (size_t i = 0; i < kMarks; ++i) above += "\u0302", below += "\u0323";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(to_nfc("q" + above + below), "q" + below + above);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << "4 * 10^10 swaps take minutes";
}

// Bytes that are no UTF-8 stay, and part what stands around them.
TEST(TokenizerNfc, LeavesOtherBytesAlone) {
    const Tokenizer tokenizer = golden_tokenizer("gpt-neox");
    const auto round_trip = [&](const std::string& text) { return tokenizer.decode(tokenizer.encode(text).value()).value(); };
    EXPECT_EQ(round_trip("e\u0301\xff"
                         "e\u0301\xe2\x82"),
              "\u00e9\xff\u00e9\xe2\x82");
    EXPECT_EQ(round_trip("e\xff\u0301"), "e\xff\u0301");
}

TEST(TokenizerNfc, IsForTextAndNotForControlTokens) {
    TokenizerSpec spec = golden_spec("gpt-neox");
    spec.tokens[0] = "<e\u0301>";  // a control token
    const Tokenizer tokenizer = Tokenizer::create(std::move(spec)).value();
    EXPECT_EQ(tokenizer.encode("<e\u0301>", {.parse_special = true}).value(), std::vector<int32_t>{0});
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("<e\u0301>").value()).value(), "<\u00e9>");
}

// A byte is named by its place in the text that was given, or by none where that was changed.
TEST(TokenizerNfc, ErrorsNameNoPlaceInATextThatNobodyGave) {
    TokenizerSpec spec = golden_spec("gpt-neox");
    spec.tokens[std::find(spec.tokens.begin(), spec.tokens.end(), "\u00ff") - spec.tokens.begin()] = "[gone]";
    const Tokenizer tokenizer = Tokenizer::create(std::move(spec)).value();
    const auto says = [&](const char* text) { return tokenizer.encode(text).error().message; };
    EXPECT_NE(says("ab\xff").find("byte 2 of the text is 0xFF"), std::string::npos) << says("ab\xff");
    EXPECT_NE(says("e\u0301\xff").find("a byte of the normalized text is 0xFF"), std::string::npos) << says("e\u0301\xff");
}

}  // namespace
}  // namespace krait::test
