// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are text: what encode makes of them decodes to the same bytes. And the options of encode and decode.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/text/tokenizer_fixture.hpp"

namespace krait::test {
namespace {

using Ids = std::vector<int32_t>;

class TokenizerRoundTrip : public testing::TestWithParam<std::string> {};

TEST_P(TokenizerRoundTrip, RandomBytesAndRandomText) {
    const Tokenizer tokenizer = golden_tokenizer(GetParam());
    Random random(7);
    for (int i = 0; i < 3000; ++i) {
        // Noise 1 = nothing but random bytes, 0 = none, 8 = broken text.
        const uint64_t noise = std::array<uint64_t, 3>{0, 1, 8}[i % 3];
        const std::string text = random_text(random, random.next() % 60, noise);
        const auto ids = tokenizer.encode(text);
        ASSERT_TRUE(ids) << ids.error().message << "\n" << hex(text);
        ASSERT_EQ(tokenizer.decode(*ids).value(), text) << "case " << i << ": " << hex(text);
        const auto special = tokenizer.encode(text, {.parse_special = true});
        ASSERT_EQ(tokenizer.decode(*special, {.control = true}).value(), text) << "case " << i << ": " << hex(text);
    }
}

TEST_P(TokenizerRoundTrip, EveryByteAndEveryPairOfBytes) {
    const Tokenizer tokenizer = golden_tokenizer(GetParam());
    for (int a = 0; a < 256; ++a) {
        ASSERT_EQ(tokenizer.decode(tokenizer.encode(std::string(1, static_cast<char>(a))).value()).value()[0],
                  static_cast<char>(a));
        for (int b = 0; b < 256; ++b) {
            const std::string text{static_cast<char>(a), static_cast<char>(b)};
            ASSERT_EQ(tokenizer.decode(tokenizer.encode(text).value()).value(), text) << hex(text);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Rules, TokenizerRoundTrip, testing::Values("default", "starcoder", "falcon", "llama3"),
                         [](const auto& test) { return test.param; });

// Bytes that are no UTF-8 do not change how the text around them is read.
TEST(TokenizerInvalidUtf8, StaysInItsOwnPieces) {
    const Tokenizer tokenizer = golden_tokenizer();
    const Ids left = tokenizer.encode("The quick fox").value(), right = tokenizer.encode(" jumps over").value();
    for (const std::string bad :
         {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98", "\xff\xfe", "\xf8\x88"}) {
        Ids expected = left;
        const Ids middle = tokenizer.encode(bad).value();
        expected.insert(expected.end(), middle.begin(), middle.end());
        expected.insert(expected.end(), right.begin(), right.end());
        EXPECT_EQ(tokenizer.encode("The quick fox" + bad + " jumps over").value(), expected) << hex(bad);
    }
}

TEST(TokenizerMissingBytes, AreAnErrorOrAReplacement) {
    TokenizerSpec spec = golden_spec();
    spec.tokens[std::find(spec.tokens.begin(), spec.tokens.end(), "\u00ff") - spec.tokens.begin()] = "[gone]";
    const auto tokenizer = Tokenizer::create(std::move(spec));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_FALSE(tokenizer->covers_all_bytes());
    const auto ids = tokenizer->encode("abc\xff");
    ASSERT_FALSE(ids);
    EXPECT_EQ(ids.error().code, ErrorCode::unsupported);
    EXPECT_NE(ids.error().message.find("byte 3"), std::string::npos) << ids.error().message;
    EXPECT_NE(ids.error().message.find("0xFF"), std::string::npos) << ids.error().message;
    const auto replaced = tokenizer->encode("abc\xff!", {.replace_unencodable = true});
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(tokenizer->decode(*replaced).value(), "abc\xef\xbf\xbd!");

    const auto nothing = Tokenizer::create({.tokens = {"a"}});
    ASSERT_TRUE(nothing) << nothing.error().message;
    EXPECT_FALSE(nothing->encode("ab", {.replace_unencodable = true}));
    EXPECT_EQ(nothing->encode("aa").value(), (Ids{0, 0}));
}

TEST(TokenizerOptions, SpecialTokensAroundTheText) {
    TokenizerSpec spec = golden_spec();
    spec.add_bos = spec.add_eos = true;
    spec.eos = golden_tokenizer().find("<|turn|>");
    const auto tokenizer = Tokenizer::create(std::move(spec)).value();
    const Ids plain = tokenizer.encode("a fox", {.add_bos = false, .add_eos = false}).value();
    Ids framed = plain;
    framed.insert(framed.begin(), 0);
    framed.push_back(*tokenizer.eos());
    EXPECT_EQ(tokenizer.encode("a fox").value(), framed);
    EXPECT_EQ(tokenizer.encode("").value(), (Ids{0, *tokenizer.eos()}));
    EXPECT_EQ(tokenizer.encode("", {.add_bos = false, .add_eos = false}).value(), Ids{});
    EXPECT_EQ(tokenizer.decode(framed).value(), "a fox");
    EXPECT_EQ(tokenizer.decode(framed, {.control = true}).value(), "<|endoftext|>a fox<|turn|>");
}

// Text of a user cannot put a control token into a prompt, unless asked to.
TEST(TokenizerOptions, ControlTokensAreTextByDefault) {
    const Tokenizer tokenizer = golden_tokenizer();
    const Ids as_text = tokenizer.encode("a<|endoftext|>b").value();
    EXPECT_EQ(std::count(as_text.begin(), as_text.end(), 0), 0);
    EXPECT_EQ(tokenizer.decode(as_text).value(), "a<|endoftext|>b");
    const Ids parsed = tokenizer.encode("a<|endoftext|>b", {.parse_special = true}).value();
    EXPECT_EQ(parsed.size(), 3u);
    EXPECT_EQ(parsed[1], 0);
}

// The longest at the leftmost place.
TEST(TokenizerOptions, UserDefinedTokensTakeTheLongest) {
    const Tokenizer tokenizer = golden_tokenizer();
    const auto blanks = [&](size_t n) { return tokenizer.find(std::string(n, ' ')).value(); };
    EXPECT_EQ(tokenizer.encode(std::string(8, ' ')).value(), Ids{blanks(8)});
    EXPECT_EQ(tokenizer.encode(std::string(11, ' ')).value(), (Ids{blanks(8), blanks(3)}));
    const int32_t arrow = tokenizer.find("->").value(), long_arrow = tokenizer.find("->>").value();
    EXPECT_EQ(tokenizer.encode("->->>->").value(), (Ids{arrow, long_arrow, arrow}));

    // Literals that overlap: "ab" stands first, though "bcd" is longer.
    const auto overlap =
        Tokenizer::create({.tokens = {"a", "b", "c", "d", "ab", "bcd"}, .token_types = {1, 1, 1, 1, 4, 4}}).value();
    EXPECT_EQ(overlap.encode("abcd").value(), (Ids{4, 2, 3}));
    EXPECT_EQ(overlap.encode("bcdab").value(), (Ids{5, 4}));
    EXPECT_EQ(overlap.encode("bc").value(), (Ids{1, 2}));
}

TEST(TokenizerThreads, ShareOneTokenizer) {
    const Tokenizer tokenizer = golden_tokenizer("falcon");
    Random random(3);
    const std::string text = random_text(random, 3000, 50);
    const Ids expected = tokenizer.encode(text).value();
    std::vector<std::thread> threads;
    std::array<int, 4> equal{};
    for (int& count : equal) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5; ++i) count += tokenizer.encode(text).value() == expected;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(equal, (std::array<int, 4>{5, 5, 5, 5}));
}

// Merges that pile up: a, aa, aaaa, ... Each joins half as many as the one before.
TEST(TokenizerSpeed, AMegabyteThatMergesAllTheWay) {
    TokenizerSpec spec{.tokens = {"a"}};
    for (size_t half = 1; half <= 4096; half *= 2) {
        spec.tokens.emplace_back(2 * half, 'a');
        spec.merges.push_back(std::string(half, 'a') + " " + std::string(half, 'a'));
    }
    const auto tokenizer = Tokenizer::create(std::move(spec)).value();
    const auto start = std::chrono::steady_clock::now();
    const Ids ids = tokenizer.encode(std::string(1'000'000, 'a')).value();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    // 1,000,000 = 122 * 8192 + 4 * 128 + 64: the binary digits of the rest, the largest first.
    Ids expected(122, 13);
    for (const int32_t id : {9, 6}) expected.push_back(id);
    EXPECT_EQ(ids, expected);
    EXPECT_LT(taken.count(), 20.0);  // 0.3 s; the definition of BPE, done naively, would take 10^12 steps
    if (std::getenv("KRAIT_TEST_TIMES") != nullptr)
        fmt::print("{:12} {:.3f} s, {} tokens\n", "all the way", taken.count(), ids.size());
}

// Long texts, and long pieces that no rule cuts: seconds would be a quadratic algorithm, an hour for the megabyte.
TEST(TokenizerSpeed, AMegabyteOfAnythingIsQuick) {
    const Tokenizer tokenizer = golden_tokenizer();
    std::string english;
    while (english.size() < 1'000'000)
        english += "The quick brown fox jumps over the lazy dog, and there's nothing it wouldn't do. ";
    std::string ab;
    while (ab.size() < 1'000'000) ab += "ab";
    const std::vector<std::pair<std::string, std::string>> texts{{"english", english},
                                                                 {"one letter", std::string(1'000'000, 'a')},
                                                                 {"two letters", ab},
                                                                 {"tabs", std::string(1'000'001, '\t')},
                                                                 {"newlines", std::string(1'000'000, '\n')},
                                                                 {"invalid", std::string(1'000'000, '\xff')},
                                                                 {"signs", std::string(1'000'000, '!')},
                                                                 {"blanks", std::string(1'000'000, ' ')}};
    for (const auto& [name, text] : texts) {
        const auto start = std::chrono::steady_clock::now();
        const auto ids = tokenizer.encode(text);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        ASSERT_TRUE(ids) << name << ": " << ids.error().message;
        EXPECT_EQ(tokenizer.decode(*ids).value(), text) << name;
        // 0.1 to 0.4 s on one busy core; wide, for sanitizers and machines under load.
        EXPECT_LT(taken.count(), 20.0) << name;
        RecordProperty(name, std::to_string(taken.count()));
        if (std::getenv("KRAIT_TEST_TIMES") != nullptr)
            fmt::print("{:12} {:.3f} s, {} tokens\n", name, taken.count(), ids->size());
    }
}

}  // namespace
}  // namespace krait::test
