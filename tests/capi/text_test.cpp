// SPDX-License-Identifier: Apache-2.0
//
// Text and tokens in the C API: control tokens, what is added around a text, ends of texts, and what is told of a flawed
// vocabulary.
#include <gtest/gtest.h>
#include <krait/krait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <krait/krait.hpp>

#include "tests/capi/value.hpp"
#include "tests/main/paths.hpp"

namespace kr = krait::api;

namespace {

using Ids = std::vector<int32_t>;

using krait::test::value;

constexpr int32_t kEnd = 0;  // <|endoftext|> of the demo model, its bos and its eos

// The demo model with other values in its metadata.
class ChangedDemo {
  public:
    ChangedDemo() {
        std::ifstream file(::krait::test::kDemoModel, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(file), {});
    }
    // The value of a key lies behind its name and four bytes for its type.
    template <class T>
    ChangedDemo& set(const std::string& key, T value) {
        const size_t at = bytes_.find(key);
        EXPECT_NE(at, std::string::npos) << key;
        std::memcpy(bytes_.data() + at + key.size() + 4, &value, sizeof value);
        return *this;
    }
    // to: as long as the key.
    ChangedDemo& rename(const std::string& key, const std::string& to) {
        bytes_.replace(bytes_.find(key), key.size(), to);
        return *this;
    }
    kr::Model load() const {
        const auto path = std::filesystem::path(testing::TempDir()) / ("krait-capi-" + std::to_string(getpid()) + ".gguf");
        std::ofstream(path, std::ios::binary) << bytes_;
        kr::Model model = value(kr::Model::load(path.string(), "cpu"));
        std::filesystem::remove(path);
        return model;
    }

  private:
    std::string bytes_;
};

constexpr const char* kAddBos = "tokenizer.ggml.add_bos_token";

kr::Model demo_that_wants_bos() { return ChangedDemo().set(kAddBos, char{1}).load(); }
kr::Model demo_that_wants_eos() {
    return ChangedDemo().set(kAddBos, char{1}).rename(kAddBos, "tokenizer.ggml.add_eos_token").load();
}

// The plain call is for pieces of a prompt: nothing is added, control tokens are recognized.
TEST(CApiText, APieceOfAPromptIsWhatItSays) {
    const kr::Model model = demo_that_wants_bos();
    EXPECT_EQ(value(model.tokenize("<|endoftext|>")), Ids{kEnd});
    const Ids left = value(model.tokenize("It was")), right = value(model.tokenize(" fine"));
    Ids both = left;
    both.insert(both.end(), right.begin(), right.end());
    EXPECT_EQ(value(model.tokenize("It was fine")), both);
    EXPECT_EQ(std::count(both.begin(), both.end(), kEnd), 0);

    Ids ids(8);
    size_t n_tok = 0;
    ASSERT_EQ(krait_model_tokenize(model.get(), "a<|endoftext|>", 14, KRAIT_TOKENIZE_CONTROL, ids.data(), ids.size(), &n_tok,
                                   nullptr),
              KRAIT_OK);
    ASSERT_EQ(n_tok, 2u);
    EXPECT_EQ(ids[1], kEnd);
}

TEST(CApiText, FlagsSayWhatIsAdded) {
    const kr::Model model = demo_that_wants_bos(), wants_eos = demo_that_wants_eos(), wants_none = value(kr::Model::load());
    const Ids plain = value(model.tokenize("It was", KRAIT_TOKENIZE_PLAIN));
    Ids begun = plain, ended = plain;
    begun.insert(begun.begin(), kEnd);
    ended.push_back(kEnd);
    constexpr uint32_t kBegin = KRAIT_TOKENIZE_BEGIN, kFinish = KRAIT_TOKENIZE_END;
    EXPECT_EQ(value(model.tokenize("It was", kBegin)), begun);
    EXPECT_EQ(value(model.tokenize("It was", kFinish)), plain);
    EXPECT_EQ(value(model.tokenize("", kBegin | kFinish)), Ids{kEnd});
    EXPECT_EQ(value(wants_eos.tokenize("It was", kBegin)), plain);
    EXPECT_EQ(value(wants_eos.tokenize("It was", kFinish)), ended);
    EXPECT_EQ(value(wants_none.tokenize("It was", kBegin | kFinish)), plain);
    const auto unknown = model.tokenize("It was", 8);
    EXPECT_EQ(unknown.failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(unknown.failure().message.find("flags are 8"), std::string::npos) << unknown.failure().message;
}

// A user's words are text, though it looks like a control token.
TEST(CApiText, WithoutTheFlagNoControlTokenComesOutOfAText) {
    const kr::Model model = value(kr::Model::load());
    const Ids ids = value(model.tokenize("<|endoftext|>", KRAIT_TOKENIZE_PLAIN));
    EXPECT_GT(ids.size(), 1u);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), kEnd), 0);
    EXPECT_EQ(value(model.detokenize(ids)), "<|endoftext|>");
}

TEST(CApiText, FindsATokenByItsText) {
    const kr::Model model = value(kr::Model::load());
    EXPECT_EQ(value(model.token("<|endoftext|>")), kEnd);
    const int32_t the = value(model.token("\u0120the"));
    EXPECT_EQ(value(model.detokenize(Ids{the})), " the");
    for (const char* text : {"<|im_end|>", ""}) {
        const auto none = model.token(text);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.failure().code, KRAIT_NOT_FOUND);
    }
}

TEST(CApiText, KnowsTheEnds) {
    const kr::Model model = value(kr::Model::load());
    EXPECT_EQ(model.ends(), Ids{kEnd});
    EXPECT_TRUE(model.is_end(kEnd));
    EXPECT_FALSE(model.is_end(1));
    EXPECT_FALSE(model.is_end(-1));
    EXPECT_EQ(ChangedDemo().set("tokenizer.ggml.eos_token_id", int32_t{7}).load().ends(), (Ids{kEnd, 7}));
    size_t n_tok = 0;
    EXPECT_EQ(krait_model_ends(model.get(), nullptr, 0, &n_tok, nullptr), KRAIT_OK);
    EXPECT_EQ(n_tok, 1u);
}

TEST(CApiText, TellsWhatIsWrongWithAVocabulary) {
    EXPECT_TRUE(value(kr::Model::load()).warnings().empty());
    const kr::Model model = ChangedDemo().set("tokenizer.ggml.eos_token_id", int32_t{1 << 20}).load();
    ASSERT_EQ(model.warnings().size(), 1u);
    EXPECT_NE(model.warnings()[0].find("the eos token is 1048576"), std::string::npos) << model.warnings()[0];
    EXPECT_EQ(krait_model_warning(model.get(), 1), nullptr);
    EXPECT_EQ(model.eos(), -1);
    EXPECT_EQ(krait_model_warning(nullptr, 0), nullptr);
    EXPECT_EQ(krait_model_is_end(nullptr, 0), 0);
}

// A vocabulary that cannot be used for text: ids do all the same.
TEST(CApiText, WithoutATokenizerIdsStillWork) {
    const kr::Model model = ChangedDemo().rename("tokenizer.ggml.model", "tokenizer.ggml.other").load();
    const auto ids = model.tokenize("a");
    ASSERT_FALSE(ids);
    EXPECT_NE(ids.failure().message.find("tokenizer.ggml.model"), std::string::npos) << ids.failure().message;
    EXPECT_EQ(model.token("a").failure().message, ids.failure().message);
    kr::Session session = value(kr::Session::create(model));
    value(session.decode(Ids{1, 2, 3}));
    EXPECT_FALSE(value(session.logits()).empty());
}

TEST(CApiText, ControlTokensAreWrittenWhereAskedFor) {
    const kr::Model model = value(kr::Model::load());
    const Ids ids = value(model.tokenize("a<|endoftext|>b"));
    EXPECT_EQ(value(model.detokenize(ids)), "ab");
    EXPECT_EQ(value(model.detokenize(ids, KRAIT_DETOKENIZE_CONTROL)), "a<|endoftext|>b");
    EXPECT_EQ(model.detokenize(ids, 2).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(model.detokenize(Ids{1 << 20}).failure().code, KRAIT_INVALID_ARGUMENT);
}

TEST(CApiText, TokensHaveATextAndAKind) {
    const kr::Model model = value(kr::Model::load());
    EXPECT_EQ(value(model.token_text(kEnd)), "<|endoftext|>");
    EXPECT_EQ(value(model.token_text(value(model.token("\u0120the")))), "\u0120the");
    EXPECT_TRUE(model.is_control(kEnd));
    EXPECT_FALSE(model.is_control(1));
    EXPECT_FALSE(model.is_control(-1));
    EXPECT_EQ(model.bos(), kEnd);
    EXPECT_EQ(model.eos(), kEnd);
    for (const int32_t id : {-1, static_cast<int32_t>(model.n_token())})
        EXPECT_EQ(model.token_text(id).failure().code, KRAIT_NOT_FOUND) << id;
    const char* text = nullptr;
    size_t size = 0;
    EXPECT_EQ(krait_model_token_text(nullptr, 0, &text, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_token_text(model.get(), 0, nullptr, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_token_text(model.get(), 0, &text, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_is_control(nullptr, kEnd), 0);
    EXPECT_EQ(krait_model_bos(nullptr), -1);
    EXPECT_EQ(krait_model_eos(nullptr), -1);
}

}  // namespace
