// SPDX-License-Identifier: Apache-2.0
//
// StreamingDetokenizer: every part it prints is valid UTF-8, and together they are the text.
#include "core/base/utf8.hpp"
#include "tests/text/tokenizer_fixture.hpp"
#include "text/tokenizer/streaming_detokenizer.hpp"

namespace krait::test {
namespace {

// Prints `bytes` in the given parts.
std::string streamed(const std::vector<std::string>& parts) {
    StreamingDetokenizer out(golden_tokenizer());
    std::string text;
    for (const std::string& part : parts) {
        const std::string printed = out.push_bytes(part);
        EXPECT_TRUE(is_utf8(printed)) << hex(printed);
        text += printed;
    }
    return text + out.flush();
}

TEST(StreamingDetokenizer, EverySplitGivesTheText) {
    for (const std::string text : {"aéz", "ж狐😀", "e\u0301", "\U0010ffff\u0800\u07ff", "👩‍💻"}) {
        const size_t n_gap = text.size() - 1;
        for (uint32_t cuts = 0; cuts < 1u << n_gap; ++cuts) {  // a bit for every gap between bytes
            std::vector<std::string> parts{""};
            for (size_t i = 0; i < text.size(); ++i) {
                parts.back().push_back(text[i]);
                if (i < n_gap && (cuts >> i & 1)) parts.emplace_back();
            }
            ASSERT_EQ(streamed(parts), text) << "cuts " << cuts;
        }
    }
}

// A character comes out with its last byte, not before and not after.
TEST(StreamingDetokenizer, PrintsACharacterWithItsLastByte) {
    StreamingDetokenizer out(golden_tokenizer());
    EXPECT_EQ(out.push_bytes("a\xf0"), "a");
    EXPECT_EQ(out.push_bytes("\x9f"), "");
    EXPECT_EQ(out.push_bytes("\x98"), "");
    EXPECT_EQ(out.push_bytes("\x80"), "😀");
    EXPECT_EQ(out.flush(), "");
}

// The examples of The Unicode Standard, section 3.9, tables 3-8 to 3-11, and what an end leaves over.
TEST(StreamingDetokenizer, ReplacesMaximalSubparts) {
    const std::string r = "\uFFFD";
    const std::vector<std::pair<std::string, std::string>> cases{{"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
                                                                  "A",
                                                                  r + r + r + r + r + r + r + r + "A"},
                                                                 {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF"
                                                                  "A",
                                                                  r + r + r + r + r + r + r + r + "A"},
                                                                 {"\xF4\x91\x92\x93\xFF"
                                                                  "A\x80\xBF"
                                                                  "B",
                                                                  r + r + r + r + r + "A" + r + r + "B"},
                                                                 {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
                                                                  "A",
                                                                  r + r + r + r + "A"},
                                                                 {"x\xE2\x82", "x" + r},
                                                                 {"\xF0\x9F\x98", r},
                                                                 {"\xC3", r},
                                                                 {"\xC3\xC3\xA9", r + "é"},
                                                                 {"\x80\x80", r + r}};
    for (const auto& [bytes, expected] : cases) {
        EXPECT_EQ(streamed({bytes}), expected) << hex(bytes);
        std::vector<std::string> single;
        for (const char c : bytes) single.emplace_back(1, c);
        EXPECT_EQ(streamed(single), expected) << hex(bytes);
    }
}

// Bytes that cannot become a character any more are told at once.
TEST(StreamingDetokenizer, ToldAsSoonAsCertain) {
    StreamingDetokenizer out(golden_tokenizer());
    EXPECT_EQ(out.push_bytes("\xff"), "\uFFFD");
    EXPECT_EQ(out.push_bytes("\xe2\x82"), "");
    EXPECT_EQ(out.push_bytes("x"), "\uFFFDx");
    EXPECT_EQ(out.push_bytes("\xed\xa0"), "\uFFFD\uFFFD");  // a surrogate: neither byte can begin anything
}

TEST(StreamingDetokenizer, RandomTokensGiveValidParts) {
    const Tokenizer tokenizer = golden_tokenizer();
    Random random(5);
    for (int round = 0; round < 500; ++round) {
        StreamingDetokenizer out(tokenizer);
        std::string printed, bytes;
        for (int i = 0; i < 40; ++i) {
            const auto id = static_cast<int32_t>(random.next() % static_cast<uint64_t>(tokenizer.size()));
            const auto part = out.push(id);
            ASSERT_TRUE(part);
            ASSERT_TRUE(is_utf8(*part)) << hex(*part);
            printed += *part;
            if (!tokenizer.is_control(id)) bytes += tokenizer.token_bytes(id);
            // Held back: at most 3 bytes. So what is printed covers all but the last three.
            const std::string so_far = StreamingDetokenizer(tokenizer).push_bytes(bytes);
            ASSERT_EQ(printed, so_far);
        }
        printed += out.flush();
        ASSERT_EQ(printed, streamed({bytes}));
    }
}

TEST(StreamingDetokenizer, TextOfEveryGoldenCaseComesBack) {
    const Tokenizer tokenizer = golden_tokenizer();
    for (const auto& golden : tokenizer_golden().at("cases")) {
        const auto text = golden.at("text").get<std::string>();
        StreamingDetokenizer out(tokenizer, {.control = true});
        std::string printed;
        for (const int32_t id : golden.at("ids").at("gpt-2").get<std::vector<int32_t>>()) printed += out.push(id).value();
        EXPECT_EQ(printed + out.flush(), text);
    }
}

TEST(StreamingDetokenizer, ControlTokensAreHiddenUnlessAsked) {
    const Tokenizer tokenizer = golden_tokenizer();
    EXPECT_EQ(StreamingDetokenizer(tokenizer).push(0).value(), "");
    EXPECT_EQ(StreamingDetokenizer(tokenizer, {.control = true}).push(0).value(), "<|endoftext|>");
}

TEST(StreamingDetokenizer, RefusesUnknownIdsAndGoesOn) {
    StreamingDetokenizer out(golden_tokenizer());
    EXPECT_EQ(out.push_bytes("\xc3"), "");
    for (const int32_t id : {-1, 731, INT32_MAX}) {
        const auto part = out.push(id);
        ASSERT_FALSE(part);
        EXPECT_NE(part.error().message.find("0 to 730"), std::string::npos) << part.error().message;
    }
    EXPECT_EQ(out.push_bytes("\xa9"), "é");
}

}  // namespace
}  // namespace krait::test
