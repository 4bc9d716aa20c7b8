// SPDX-License-Identifier: Apache-2.0
//
// Every text of data/pre_tokenizer_golden.json, under every pre-tokenizer rule: the pieces and the ids are those of Hugging
// Face's `tokenizers`, and the ids decode to the text, in NFC where the rule wants that.
#include "tests/text/tokenizer_fixture.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"

namespace krait::test {
namespace {

class TokenizerGolden : public testing::TestWithParam<std::string> {
  protected:
    // Rules that say what gpt-2 says are not stored.
    static std::vector<int32_t> expected(const nlohmann::json& by_rule) {
        return by_rule.value(GetParam(), by_rule.at("gpt-2")).get<std::vector<int32_t>>();
    }
};

TEST_P(TokenizerGolden, PiecesAreThoseOfHuggingFace) {
    const auto rule = PreTokenizer::create(GetParam());
    ASSERT_TRUE(rule) << rule.error().message;
    for (const auto& golden : tokenizer_golden().at("cases")) {
        const auto text = golden.at("text").get<std::string>();
        std::vector<std::string_view> pieces;
        ASSERT_TRUE(rule->split(text, pieces));
        std::vector<int32_t> lengths;
        std::string joined;
        for (const std::string_view piece : pieces) {
            lengths.push_back(static_cast<int32_t>(piece.size()));
            joined += piece;
        }
        EXPECT_EQ(joined, text);
        EXPECT_EQ(lengths, expected(golden.at("pieces"))) << golden.at("text").dump();
    }
}

TEST_P(TokenizerGolden, IdsAreThoseOfHuggingFace) {
    const Tokenizer tokenizer = golden_tokenizer(GetParam());
    ASSERT_GE(tokenizer_golden().at("cases").size(), 200u);
    for (const auto& golden : tokenizer_golden().at("cases")) {
        const auto text = golden.at("text").get<std::string>();
        const auto ids = tokenizer.encode(text, {.parse_special = true});
        ASSERT_TRUE(ids) << ids.error().message;
        EXPECT_EQ(*ids, expected(golden.at("ids"))) << golden.at("text").dump();
        const bool is_composed = GetParam() == "gpt-neox" && golden.contains("composed");
        const std::string expected_text = is_composed ? golden.at("composed").get<std::string>() : text;
        EXPECT_EQ(tokenizer.decode(*ids, {.control = true}).value(), expected_text);
    }
}

INSTANTIATE_TEST_SUITE_P(Rules, TokenizerGolden, testing::Values("gpt-2", "gpt-neox", "starcoder", "falcon", "llama3"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::erase(name, '-');
                             return name;
                         });

TEST(TokenizerGoldenFile, HoldsEveryRule) {
    EXPECT_EQ(tokenizer_golden().at("rules"), nlohmann::json({"gpt-2", "gpt-neox", "starcoder", "falcon", "llama3"}));
}

// Names that share a rule.
TEST(TokenizerNames, ShareTheirRule) {
    const auto ids_by = [](const std::string& pre) {
        std::vector<int32_t> all;
        const Tokenizer tokenizer = golden_tokenizer(pre);
        for (const auto& golden : tokenizer_golden().at("cases")) {
            const auto ids = tokenizer.encode(golden.at("text").get<std::string>()).value();
            all.insert(all.end(), ids.begin(), ids.end());
        }
        return all;
    };
    const auto gpt2 = ids_by("gpt-2"), neox = ids_by("gpt-neox"), starcoder = ids_by("starcoder"), falcon = ids_by("falcon"),
               llama3 = ids_by("llama3");
    EXPECT_EQ(ids_by("default"), gpt2);
    for (const char* name : {"mpt", "olmo"}) EXPECT_EQ(ids_by(name), neox) << name;
    for (const char* name : {"refact", "smollm"}) EXPECT_EQ(ids_by(name), starcoder) << name;
    for (const char* name : {"llama-v3", "llama-bpe"}) EXPECT_EQ(ids_by(name), llama3) << name;
    EXPECT_NE(gpt2, neox);
    EXPECT_NE(gpt2, starcoder);
    EXPECT_NE(gpt2, falcon);
    EXPECT_NE(gpt2, llama3);
    EXPECT_NE(starcoder, falcon);
}

}  // namespace
}  // namespace krait::test
