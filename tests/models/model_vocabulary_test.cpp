// SPDX-License-Identifier: Apache-2.0
//
// Models whose files have no vocabulary, a foreign one or one with flaws: token ids always work, and the user is told what is
// wrong.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/models/model_draft.hpp"

namespace krait {
namespace {

using test::Draft;

// The golden Mamba, which has 101 tokens, with a vocabulary of "a", "b" and their merge.
Draft draft_of_letters() {
    Draft draft = Draft::of("mamba");
    draft.set("tokenizer.ggml.model", std::string("gpt2"));
    draft.set("tokenizer.ggml.pre", std::string("gpt-2"));
    draft.set("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>{"a", "b", "ab", "<|im_end|>", "<s>"}));
    draft.set("tokenizer.ggml.token_type", GgufArray(std::vector<int32_t>{1, 1, 1, 3, 3}));
    draft.set("tokenizer.ggml.merges", GgufArray(std::vector<std::string>{"a b"}));
    return draft;
}

using Loaded = std::shared_ptr<const Model>;

Loaded load(const Draft& draft) {
    auto model = draft.load();
    if (!model) throw std::runtime_error(model.error().message);
    return *std::move(model);
}

std::vector<float> logits_of(const Loaded& model) {
    auto session = Session::create(model);
    const std::vector<int32_t> tokens{1, 2, 3, 50, 100};
    EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = tokens}}));
    return {session->logits(0).begin(), session->logits(0).end()};
}

std::vector<int32_t> ends_of(const Loaded& model) { return {model->ends().begin(), model->ends().end()}; }

TEST(ModelVocabulary, WithoutFlawsNothingIsSaid) {
    const Loaded model = load(draft_of_letters());
    EXPECT_EQ(model->warnings(), std::vector<std::string>{});
    ASSERT_TRUE(model->tokenizer());
    EXPECT_EQ((*model->tokenizer())->encode("abb").value(), (std::vector<int32_t>{2, 1}));
    EXPECT_EQ(model->n_token(), 5);
}

struct Flaw {
    std::string name;
    std::function<void(Draft&)> apply;
    std::string words;  // stand in the only warning
};

class FlawedVocabulary : public testing::TestWithParam<Flaw> {};

TEST_P(FlawedVocabulary, IsWarnedOfAndUsed) {
    static const std::vector<float> expected = logits_of(load(Draft::of("mamba")));
    Draft draft = draft_of_letters();
    GetParam().apply(draft);
    const Loaded model = load(draft);
    ASSERT_EQ(model->warnings().size(), 1u) << fmt::format("{}", fmt::join(model->warnings(), "\n"));
    const std::string& warning = model->warnings()[0];
    EXPECT_NE(warning.find(GetParam().words), std::string::npos) << warning;
    EXPECT_NE(warning.find(model->source().name()), std::string::npos) << warning;
    EXPECT_EQ(logits_of(model), expected);
    ASSERT_TRUE(model->tokenizer()) << model->tokenizer().error().message;
    EXPECT_EQ((*model->tokenizer())->decode((*model->tokenizer())->encode("abba").value()).value(), "abba");
}

std::string key(const char* name) { return std::string("tokenizer.ggml.") + name; }

INSTANTIATE_TEST_SUITE_P(
    Files, FlawedVocabulary,
    testing::Values(
        Flaw{"Padding", [](auto& d) { d.set(key("padding_token_id"), uint32_t{5}); }, "padding token is 5"},
        Flaw{"PaddingBeyondAllIds", [](auto& d) { d.set(key("padding_token_id"), UINT32_MAX); }, "4294967295"},
        Flaw{"PaddingIsText", [](auto& d) { d.set(key("padding_token_id"), std::string("none")); }, "is a string"},
        Flaw{"Unknown", [](auto& d) { d.set(key("unknown_token_id"), int32_t{-1}); }, "unknown token is -1"},
        Flaw{"End", [](auto& d) { d.set(key("eos_token_id"), uint32_t{99}); }, "eos token is 99, but ids go from 0 to 4"},
        Flaw{"EndOfTurn", [](auto& d) { d.set(key("eot_token_id"), uint32_t{99}); }, "end token is 99"},
        Flaw{"Begin", [](auto& d) { d.set(key("bos_token_id"), uint32_t{99}); }, "bos token is 99"},
        Flaw{"NoBegin", [](auto& d) { d.set(key("add_bos_token"), true); }, "begin with bos, but there is none"},
        Flaw{"NoEnd", [](auto& d) { d.set(key("add_eos_token"), true); }, "end with eos, but there is none"},
        Flaw{"FlagIsNumber", [](auto& d) { d.set(key("add_bos_token"), uint32_t{1}); }, "add_bos_token"},
        Flaw{"FewTypes", [](auto& d) { d.set(key("token_type"), GgufArray(std::vector<int32_t>{1})); },
             "5 tokens but 1 token types: the last tokens are taken to be normal text"},
        Flaw{"ManyTypes", [](auto& d) { d.set(key("token_type"), GgufArray(std::vector<int32_t>(9, 1))); },
             "5 tokens but 9 token types: the last types are ignored"},
        Flaw{"TypesAreText", [](auto& d) { d.set(key("token_type"), GgufArray(std::vector<std::string>{"normal"})); },
             "token_type"},
        Flaw{"MergeOfNothing",
             [](auto& d) {
                 d.set(key("merges"), GgufArray(std::vector<std::string>{"a c", "a b", "a d"}));
             },
             "merge 0 names 'c', which is no token (and 1 more of this kind)"},
        Flaw{"MergesAreNumbers", [](auto& d) { d.set(key("merges"), GgufArray(std::vector<int32_t>{1})); }, "merges"},
        Flaw{"EqualTexts",
             [](auto& d) {
                 d.set(key("tokens"), GgufArray(std::vector<std::string>{"a", "b", "ab", "a", "ab"}));
             },
             "tokens 0 and 3 are both 'a' (and 1 more of this kind)"},
        Flaw{"EmptyTexts",
             [](auto& d) {
                 d.set(key("tokens"), GgufArray(std::vector<std::string>{"a", "b", "ab", "", ""}));
             },
             "token 3 has an empty text (and 1 more of this kind)"},
        Flaw{"MoreTokensThanRows",
             [](auto& d) {
                 std::vector<std::string> tokens{"a", "b", "ab"};
                 for (int i = 3; i < 102; ++i) tokens.push_back("t" + std::to_string(i));
                 d.set(key("tokens"), GgufArray(std::move(tokens)));
                 d.drop_key(key("token_type"));
             },
             "102 tokens, but 'token_embd.weight' only 101 rows"}),
    [](const auto& test) { return test.param.name; });

struct Unusable {
    std::string name;
    std::function<void(Draft&)> apply;
    std::string reason;
};

class UnusableVocabulary : public testing::TestWithParam<Unusable> {};

TEST_P(UnusableVocabulary, LeavesTokenIds) {
    static const std::vector<float> expected = logits_of(load(Draft::of("mamba")));
    Draft draft = draft_of_letters();
    GetParam().apply(draft);
    const Loaded model = load(draft);
    EXPECT_EQ(logits_of(model), expected);
    const auto tokenizer = model->tokenizer();
    ASSERT_FALSE(tokenizer);
    EXPECT_NE(tokenizer.error().message.find(GetParam().reason), std::string::npos) << tokenizer.error().message;
    EXPECT_EQ(model->warnings(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    Files, UnusableVocabulary,
    testing::Values(
        Unusable{"NoTokens", [](auto& d) { d.drop_key(key("tokens")); }, "has no tokenizer"},
        Unusable{"EmptyTokens", [](auto& d) { d.set(key("tokens"), GgufArray(std::vector<std::string>{})); }, "is empty"},
        Unusable{"TokensAreNumbers", [](auto& d) { d.set(key("tokens"), GgufArray(std::vector<int32_t>{1})); }, key("tokens")},
        Unusable{"NoFamily", [](auto& d) { d.drop_key(key("model")); }, key("model")},
        Unusable{"ForeignFamily", [](auto& d) { d.set(key("model"), std::string("abacus")); }, "'abacus'"}),
    [](const auto& test) { return test.param.name; });

// Ids become text without the rule that cuts text into pieces.
TEST(ModelVocabulary, WithAForeignPreTokenizerIdsStillBecomeText) {
    Draft draft = draft_of_letters();
    draft.set(key("pre"), std::string("sundial"));
    const Loaded model = load(draft);
    ASSERT_TRUE(model->tokenizer());
    EXPECT_EQ((*model->tokenizer())->decode(std::vector<int32_t>{2, 0}).value(), "aba");
    const auto ids = (*model->tokenizer())->encode("ab");
    ASSERT_FALSE(ids);
    EXPECT_NE(ids.error().message.find("'sundial'"), std::string::npos) << ids.error().message;
    EXPECT_TRUE(ids.error().message.starts_with(model->source().name())) << ids.error().message;
}

// Files of Mamba models from before the key "pre" was written have the vocabulary of GPT-NeoX, whose texts are in NFC.
TEST(ModelVocabulary, WithoutARuleThatOfGptNeoxIsKnownByItsTokens) {
    const auto n_token_of_e_acute = [](const std::string& second, bool has_rule) {
        Draft draft = Draft::of("mamba");
        draft.set(key("model"), std::string("gpt2"));
        draft.set(key("tokens"),
                  GgufArray(std::vector<std::string>{"<|endoftext|>", second, "e", "\u00cc", "\u0123", "\u00c3", "\u00a9"}));
        if (has_rule) draft.set(key("pre"), std::string("default"));
        return (*load(draft)->tokenizer())->encode("e\u0301").value().size();
    };
    EXPECT_EQ(n_token_of_e_acute("<|padding|>", false), 2u) << "one character of two bytes";
    EXPECT_EQ(n_token_of_e_acute("<|padding|>", true), 3u);
    EXPECT_EQ(n_token_of_e_acute("!", false), 3u);
}

// The head's padding is no token, whether the tokenizer can be used or not.
TEST(ModelVocabulary, CountsTheTokensOfTheFile) {
    EXPECT_EQ(load(Draft::of("mamba"))->n_token(), 101);
    Draft draft = draft_of_letters();
    draft.set(key("model"), std::string("abacus"));
    EXPECT_EQ(load(draft)->n_token(), 5);
    draft.set(key("tokens"), GgufArray(std::vector<std::string>(102, "x")));
    EXPECT_EQ(load(draft)->n_token(), 101);
}

TEST(ModelVocabulary, HasAllEndsThatTheFileNames) {
    EXPECT_EQ(ends_of(load(Draft::of("mamba"))), std::vector<int32_t>{});
    EXPECT_EQ(ends_of(load(draft_of_letters())), std::vector<int32_t>{3});
    Draft draft = draft_of_letters();
    draft.set(key("eos_token_id"), uint32_t{4});
    draft.set(key("eot_token_id"), uint32_t{1});
    draft.set(key("eom_token_id"), uint32_t{0});
    const Loaded model = load(draft);
    EXPECT_EQ(ends_of(model), (std::vector<int32_t>{0, 1, 3, 4}));
    EXPECT_TRUE(model->is_end(3));
    EXPECT_FALSE(model->is_end(2));
    EXPECT_EQ((*model->tokenizer())->eos(), 4);
}

// Converters write lists under the key of one end, or under one of their own.
TEST(ModelVocabulary, ReadsListsOfEnds) {
    for (const char* name : {"eos_token_id", "eos_token_ids"}) {
        Draft draft = draft_of_letters();
        draft.set(key(name), GgufArray(std::vector<int32_t>{4, 1}));
        const Loaded model = load(draft);
        EXPECT_EQ(ends_of(model), (std::vector<int32_t>{1, 3, 4})) << name;
        EXPECT_EQ((*model->tokenizer())->eos(), 4) << name;
        EXPECT_EQ(model->warnings(), std::vector<std::string>{}) << name;
    }
}

// Generation from ids ends where it should, though there is no text.
TEST(ModelVocabulary, HasEndsWithoutAUsableTokenizer) {
    Draft draft = draft_of_letters();
    draft.set(key("model"), std::string("abacus"));
    draft.set(key("eos_token_id"), uint32_t{0});
    EXPECT_EQ(ends_of(load(draft)), (std::vector<int32_t>{0, 3}));
}

// A vocabulary of sentencepiece: its defaults, and the keys that change them.
Draft draft_of_pieces() {
    Draft draft = Draft::of("mamba");
    draft.set(key("model"), std::string("llama"));
    draft.set(key("tokens"), GgufArray(std::vector<std::string>{"<unk>", "<s>", "</s>", "\u2581", "a", "b", "\u2581a"}));
    draft.set(key("token_type"), GgufArray(std::vector<int32_t>{2, 3, 3, 1, 1, 1, 1}));
    draft.set(key("scores"), GgufArray(std::vector<float>{0, 0, 0, -1, -2, -3, -4}));
    return draft;
}

TEST(ModelVocabularyOfPieces, HasTheDefaultsOfItsFamily) {
    const Loaded model = load(draft_of_pieces());
    EXPECT_EQ(model->warnings(), std::vector<std::string>{});
    const Tokenizer& tokenizer = **model->tokenizer();
    EXPECT_EQ(tokenizer.encode("ab").value(), (std::vector<int32_t>{1, 6, 5})) << "bos and a blank";
    EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{1, 6, 5}).value(), "ab");
    EXPECT_EQ(tokenizer.unk(), 0);
    EXPECT_EQ(ends_of(model), std::vector<int32_t>{2});
}

TEST(ModelVocabularyOfPieces, ObeysItsKeys) {
    Draft draft = draft_of_pieces();
    draft.set(key("add_bos_token"), false);
    draft.set(key("add_space_prefix"), false);
    EXPECT_EQ((*load(draft)->tokenizer())->encode("ab").value(), (std::vector<int32_t>{4, 5}));
    draft.set("krait.tokenizer.space_prefix", std::string("text_start"));
    const Loaded model = load(draft);
    const auto ids = (*model->tokenizer())->encode("a<s>a", {.parse_special = true});
    EXPECT_EQ(ids.value(), (std::vector<int32_t>{6, 1, 4}));
    draft.set("krait.tokenizer.space_prefix", std::string("sometimes"));
    const Loaded flawed = load(draft);
    ASSERT_EQ(flawed->warnings().size(), 1u);
    EXPECT_NE(flawed->warnings()[0].find("'krait.tokenizer.space_prefix' must be \"text_start\""), std::string::npos)
        << flawed->warnings()[0];
}

TEST(ModelVocabularyOfPieces, SaysWhichScoreIsNone) {
    Draft draft = draft_of_pieces();
    draft.set(key("scores"), GgufArray(std::vector<float>{0, 0, 0, -1, std::nanf(""), -3, -4}));
    const Loaded model = load(draft);
    ASSERT_TRUE(model->tokenizer());
    const auto ids = (*model->tokenizer())->encode("ab");
    ASSERT_FALSE(ids);
    EXPECT_NE(ids.error().message.find("scores[4]"), std::string::npos) << ids.error().message;
}

// The rule of Llama 3 is one of models that begin with bos; the file has the last word.
TEST(ModelVocabulary, BeginsWithBosWhereItsRuleDoes) {
    Draft draft = draft_of_letters();
    draft.set(key("bos_token_id"), uint32_t{4});
    EXPECT_EQ((*load(draft)->tokenizer())->encode("ab").value(), std::vector<int32_t>{2});
    draft.set(key("pre"), std::string("llama-bpe"));
    EXPECT_EQ((*load(draft)->tokenizer())->encode("ab").value(), (std::vector<int32_t>{4, 2}));
    draft.set(key("add_bos_token"), false);
    EXPECT_EQ((*load(draft)->tokenizer())->encode("ab").value(), std::vector<int32_t>{2});
}

// Before the device is opened, which there is none of.
TEST(ModelVocabulary, LoadingIsCancelledWhileItIsRead) {
    Draft draft = draft_of_letters();
    std::vector<std::string> tokens;
    for (int i = 0; i < 20'000; ++i) tokens.push_back(std::to_string(i));
    draft.set("tokenizer.ggml.tokens", GgufArray(std::move(tokens)));
    std::vector<std::pair<uint64_t, uint64_t>> calls;
    const auto progress = [&](uint64_t done, uint64_t total) {
        calls.emplace_back(done, total);
        return false;
    };
    const auto model = draft.load({.device = "nonsuch", .progress = progress});
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::cancelled) << model.error().message;
    EXPECT_EQ(model.error().message, "cancelled while the model was loaded");
    uint64_t total = 0;
    for (const Draft::Tensor& tensor : draft.tensors) total += tensor.bytes.size();
    EXPECT_EQ(calls, (std::vector<std::pair<uint64_t, uint64_t>>{{0, total}}));
}

}  // namespace
}  // namespace krait
