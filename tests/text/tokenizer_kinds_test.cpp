// SPDX-License-Identifier: Apache-2.0
//
// Special tokens with their rules, blanks, hostile vocabularies and long texts, for each kind of tokenizer.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "text/tokenizer/charsmap.hpp"
#include "text/tokenizer/literal_matcher.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait::test {
namespace {

using Ids = std::vector<int32_t>;

constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6;

Tokenizer make(TokenizerSpec spec) {
    auto tokenizer = Tokenizer::create(std::move(spec));
    if (!tokenizer) throw std::runtime_error(tokenizer.error().message);
    return *std::move(tokenizer);
}

// unk, bos, eos, 256 bytes, U+2581, a, aa, aaaa, b
TokenizerSpec sentencepiece_spec(const std::string& model) {
    TokenizerSpec spec{.model = model, .tokens = {"<unk>", "<s>", "</s>"}, .token_types = {kUnknown, kControl, kControl}};
    spec.scores = {0, 0, 0};
    spec.unk = 0, spec.bos = 1, spec.eos = 2;
    for (int byte = 0; byte < 256; ++byte) {
        spec.tokens.push_back(fmt::format("<0x{:02X}>", byte));
        spec.token_types.push_back(kByte);
        spec.scores.push_back(0);
    }
    for (const char* text : {"\u2581", "a", "aa", "aaaa", "b"}) {
        spec.tokens.emplace_back(text);
        spec.token_types.push_back(kNormal);
        spec.scores.push_back(-static_cast<float>(spec.tokens.size() - 260));
    }
    spec.space_prefix = SpacePrefix::every_part;
    return spec;
}

TEST(LiteralMatcher, FindsTheLeftmostAndThereTheLongest) {
    const LiteralMatcher matcher({{"ab", 0}, {"bcd", 1}, {"abcx", 2}, {"b", 3}, {"aab", 4}});
    const auto find = [&](std::string_view text) {
        std::vector<std::tuple<size_t, size_t, int32_t>> found;
        for (const auto& hit : matcher.find_all(text)) found.emplace_back(hit.begin, hit.end, hit.id);
        return found;
    };
    using Found = std::vector<std::tuple<size_t, size_t, int32_t>>;
    EXPECT_EQ(find("abcd"), (Found{{0, 2, 0}}));
    EXPECT_EQ(find("bcdb"), (Found{{0, 3, 1}, {3, 4, 3}}));
    EXPECT_EQ(find("aabcx"), (Found{{0, 3, 4}}));
    EXPECT_EQ(find("xabcxab"), (Found{{1, 5, 2}, {5, 7, 0}}));
    EXPECT_EQ(find(""), Found{});
    EXPECT_TRUE(LiteralMatcher().find_all("abc").empty());
}

// 10,000 of them, each a beginning of the next: trying them one after the other at each place would take 10^10 steps.
TEST(LiteralMatcher, IsLinearWhateverTheLiteralsAre) {
    std::vector<std::pair<std::string, int32_t>> literals;
    for (int32_t i = 1; i <= 10'000; ++i) literals.emplace_back(fmt::format("<|special_{}|>", i), i);
    for (int32_t i = 1; i <= 3'000; ++i) literals.emplace_back(std::string(static_cast<size_t>(i), 'a') + "b", 20'000 + i);
    const LiteralMatcher matcher(std::move(literals));
    std::string text(1'000'000, 'a');
    text += "<|special_77|>";
    const auto start = std::chrono::steady_clock::now();
    const auto hits = matcher.find_all(text);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    ASSERT_EQ(hits.size(), 1u);
    EXPECT_EQ(hits[0].id, 77);
    EXPECT_LT(taken.count(), 10.0) << "20 ms on one core";
}

TEST(SpecialTokens, ObeyTheirRules) {
    TokenizerSpec spec{.tokens = {"a", "b", "\u0120", "<l>", "<r>", "<w>", "<n>"},
                       .token_types = {kNormal, kNormal, kNormal, kControl, kUserDefined, kUserDefined, kUserDefined}};
    spec.rules = {
        {.id = 3, .lstrip = true}, {.id = 4, .rstrip = true}, {.id = 5, .single_word = true}, {.id = 6, .normalized = true}};
    const Tokenizer tokenizer = make(std::move(spec));
    const auto encode = [&](std::string_view text) { return tokenizer.encode(text, {.parse_special = true}).value(); };
    EXPECT_EQ(encode("a  <l> b"), (Ids{0, 3, 2, 1}));
    EXPECT_EQ(encode("a <r>  b"), (Ids{0, 2, 4, 1}));
    EXPECT_EQ(encode("<r> <l>"), (Ids{4, 3}));
    EXPECT_EQ(encode("a <w> b"), (Ids{0, 2, 5, 2, 1}));
    EXPECT_EQ(encode("<w>"), Ids{5});
    EXPECT_EQ(encode("a<n>b"), (Ids{0, 6, 1}));
    EXPECT_FALSE(tokenizer.encode("a<w>")) << "beside a letter it is none, and '<' has no token";
    EXPECT_FALSE(tokenizer.encode("<l>")) << "a control token is text unless it is parsed";
    EXPECT_EQ(tokenizer.encode("b<n>").value(), (Ids{1, 6}));
}

TEST(SpecialTokens, RulesOfNoTokenAreWarnings) {
    TokenizerSpec spec{.tokens = {"a"}};
    spec.rules = {{.id = 7}, {.id = -1}};
    const Tokenizer tokenizer = make(std::move(spec));
    ASSERT_EQ(tokenizer.warnings().size(), 1u);
    EXPECT_NE(tokenizer.warnings()[0].find("token 7"), std::string::npos) << tokenizer.warnings()[0];
}

TEST(SpacePrefixes, StandWhereTheModeSays) {
    const auto encode = [](SpacePrefix prefix, std::string_view text) {
        TokenizerSpec spec = sentencepiece_spec("llama");
        spec.space_prefix = prefix;
        return make(std::move(spec)).encode(text, {.parse_special = true}).value();
    };
    const int32_t mark = 259, a = 260;
    EXPECT_EQ(encode(SpacePrefix::every_part, "a<s>a"), (Ids{mark, a, 1, mark, a}));
    EXPECT_EQ(encode(SpacePrefix::every_part, " a"), (Ids{mark, mark, a}));
    EXPECT_EQ(encode(SpacePrefix::text_start, "a<s>a"), (Ids{mark, a, 1, a}));
    EXPECT_EQ(encode(SpacePrefix::text_start, "<s>a"), (Ids{1, a}));
    EXPECT_EQ(encode(SpacePrefix::text_start, " a"), (Ids{mark, a}));
    EXPECT_EQ(encode(SpacePrefix::never, "a<s> a"), (Ids{a, 1, mark, a}));
    EXPECT_EQ(encode(SpacePrefix::every_part, ""), Ids{});
}

TEST(SpacePrefixes, AreTakenAwayFromTheBeginningOfAText) {
    const Tokenizer tokenizer = make(sentencepiece_spec("llama"));
    for (const std::string text : {"a", " a", "  aa b", "\xff\xfe", "\n"}) {
        const Ids ids = tokenizer.encode(text).value();
        EXPECT_EQ(tokenizer.decode(ids).value(), text);
        EXPECT_EQ(tokenizer.decode(ids, {.continues = true}).value(), " " + text);
    }
    EXPECT_EQ(tokenizer.decode(Ids{1, 259, 260}).value(), "a") << "behind bos too";
}

struct Hostile {
    std::string name, model;
    void (*spoil)(TokenizerSpec&);
    std::vector<std::string> says;
};

class HostileVocabulary : public testing::TestWithParam<Hostile> {};

// Ids still become text; why text does not become ids is said, with the field and the place in it.
TEST_P(HostileVocabulary, IsToldWithFieldAndIndex) {
    TokenizerSpec spec = sentencepiece_spec(GetParam().model);
    GetParam().spoil(spec);
    const Tokenizer tokenizer = make(std::move(spec));
    EXPECT_TRUE(tokenizer.decode(Ids{260}));
    const auto ids = tokenizer.encode("aab");
    ASSERT_FALSE(ids);
    for (const std::string& part : GetParam().says)
        EXPECT_NE(ids.error().message.find(part), std::string::npos) << ids.error().message << "\nlacks " << part;
}

INSTANTIATE_TEST_SUITE_P(
    Specs, HostileVocabulary,
    testing::Values(
        Hostile{"FewerScores", "llama", [](auto& s) { s.scores.pop_back(); }, {"264 tokens", "263 scores"}},
        Hostile{"NoScores", "t5", [](auto& s) { s.scores.clear(); }, {"264 tokens", "0 scores"}},
        Hostile{"ScoreNaN", "llama", [](auto& s) { s.scores[5] = std::nanf(""); }, {"scores[5]", "'<0x02>'", "nan"}},
        Hostile{"ScoreInfinite", "t5", [](auto& s) { s.scores[262] = -INFINITY; }, {"scores[262]", "inf"}},
        Hostile{"ScoreOfPlamo", "plamo2", [](auto& s) { s.scores[0] = INFINITY; }, {"scores[0]"}},
        Hostile{
            "LongPiece", "llama", [](auto& s) { s.tokens[261] = std::string(5000, 'x'); }, {"token 261", "5000 bytes", "4096"}},
        Hostile{"CharsmapShort", "t5", [](auto& s) { s.precompiled_charsmap = "abc"; }, {"map of 3 bytes"}},
        Hostile{"CharsmapTooLarge",
                "llama",
                [](auto& s) { s.precompiled_charsmap = std::string("\xf0\xff\xff\xff\0", 5); },
                {"its size is 4294967280"}}),
    [](const auto& test) { return test.param.name; });

// A trie of units that point anywhere: nothing outside of it is read, whatever the text.
TEST(Charsmap, StaysInsideWhateverItsUnitsSay) {
    uint64_t state = 1;
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(4 + 64 + 8, '\0');
        bytes[0] = 64;
        for (size_t i = 4; i + 1 < bytes.size(); ++i) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = static_cast<char>(state >> 56);
        }
        const auto map = Charsmap::parse(bytes);
        ASSERT_TRUE(map);
        std::string text;
        for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
        for (size_t i = 0; i < text.size(); ++i) EXPECT_LE(map->find(text.substr(i)).length, text.size() - i);
    }
}

TEST(Utf8CutOff, IsEncodedByEveryKind) {
    for (const char* model : {"llama", "t5", "plamo2"}) {
        const Tokenizer tokenizer = make(sentencepiece_spec(model));
        const Ids ids = tokenizer.encode("a\xE6\xAD").value();
        EXPECT_EQ(tokenizer.decode(ids).value(), "a\xE6\xAD") << model;
    }
}

TEST(WordPiece, AWordThatFailsIsOneUnknownToken) {
    TokenizerSpec spec{
        .model = "bert", .tokens = {"[UNK]", "\u2581ab", "c", "\u2581,"}, .token_types = {kControl, kNormal, kNormal, kNormal}};
    spec.unk = 0;
    const Tokenizer tokenizer = make(std::move(spec));
    EXPECT_EQ(tokenizer.encode("ABc, abd abcc").value(), (Ids{1, 2, 3, 0, 1, 2, 2}));
    EXPECT_EQ(tokenizer.encode("ab" + std::string(98, 'c')).value().size(), 99u);
    EXPECT_EQ(tokenizer.encode("ab" + std::string(99, 'c')).value(), Ids{0}) << "more than 100 characters";
    EXPECT_EQ(tokenizer.decode(Ids{1, 2, 3}).value(), "abc ,");
}

TEST(Rwkv, ReadsEscapedTokensAndTakesTheLongest) {
    const Tokenizer tokenizer = make({.model = "rwkv", .tokens = {"a", "\\n", "a\\n", "\\xe7\\x8b\\x90", "\\'", "\\\\"}});
    EXPECT_EQ(tokenizer.encode("a\na\u72d0'\\").value(), (Ids{2, 0, 3, 4, 5}));
    EXPECT_EQ(tokenizer.decode(Ids{2, 3, 5}).value(), "a\n\u72d0\\");
    const auto missing = tokenizer.encode("ab");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("byte 1 of the text is 0x62"), std::string::npos) << missing.error().message;
}

void expect_quick(const Tokenizer& tokenizer, const std::string& name) {
    for (const std::string& unit : {std::string("a"), std::string(" "), std::string("\n"), std::string("A"), std::string("7"),
                                    std::string("!"), std::string("\u72d0"), std::string("\u0301"), std::string("'"),
                                    std::string("\xff"), std::string(" \n"), std::string("aA\u72d0 ")}) {
        std::string text;
        while (text.size() < 1'000'000) text += unit;
        const auto start = std::chrono::steady_clock::now();
        (void)tokenizer.encode(text, {.replace_unencodable = true});
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        EXPECT_LT(taken.count(), 20.0) << name << ", a megabyte of '" << unit
                                       << "'";  // below 1 s on a quiet core; quadratic: hours
        if (std::getenv("KRAIT_TEST_TIMES") != nullptr) fmt::print("{:16} {:4} {:.3f} s\n", name, unit, taken.count());
    }
}

TEST(TokenizerKindsSpeed, AMegabyteOfOneCharacterIsQuick) {
    for (const char* model : {"llama", "t5", "bert", "plamo2", "rwkv"}) expect_quick(make(sentencepiece_spec(model)), model);
}

TEST(TokenizerKindsSpeed, AMegabyteOfOneCharacterIsQuickForEveryRule) {
    for (const char* pre : {"gpt-2", "falcon", "llama3", "qwen35", "tekken", "gpt-4o", "kimi-k2", "bailingmoe2", "deepseek-v3",
                            "minicpm5", "viking"}) {
        TokenizerSpec spec = sentencepiece_spec("gpt2");
        spec.pre = pre;
        expect_quick(make(std::move(spec)), pre);
    }
}

// Every name has a rule that PCRE2 compiles.
TEST(PreTokenizers, AllCompile) {
    std::string names = PreTokenizer::supported() + ", ";
    size_t n = 0;
    for (size_t end = 0; (end = names.find(", ")) != std::string::npos; names.erase(0, end + 2), ++n)
        EXPECT_TRUE(PreTokenizer::create(names.substr(0, end))) << names.substr(0, end);
    EXPECT_GE(n, 70u);
}

}  // namespace
}  // namespace krait::test
