// SPDX-License-Identifier: Apache-2.0
//
// Vocabularies of RWKV and PLaMo as their folders have them, right and wrong.
#include <fstream>

#include "formats/huggingface/plamo_vocabulary.hpp"
#include "formats/huggingface/rwkv_vocabulary.hpp"
#include "models/loading/gguf_tokenizer.hpp"
#include "tests/models/huggingface_fixture.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

class HuggingFaceVocabularies : public test::FolderTest {
  protected:
    std::unique_ptr<ModelSource> with(const fs::path& place) const {
        auto source = open_model(test::kHuggingFace + "mamba", {.tokenizer = place});
        EXPECT_TRUE(source) << source.error().message;
        return source ? std::move(*source) : nullptr;
    }
    static std::vector<int32_t> ids_of(const ModelSource& source, std::string_view text) {
        const GgufVocabulary vocabulary = read_vocabulary(source);
        EXPECT_TRUE(vocabulary.tokenizer) << vocabulary.tokenizer.error().message;
        const auto ids = vocabulary.tokenizer->encode(text, {.parse_special = true});
        EXPECT_TRUE(ids) << ids.error().message;
        EXPECT_EQ(vocabulary.tokenizer->decode(*ids, {.control = true}).value(), text);
        return *ids;
    }
    template <class Parse>
    static std::string message_of(Parse parse, std::string_view text) {
        const auto parts = parse(text, "x");
        return parts ? "none" : parts.error().message;
    }
};

TEST_F(HuggingFaceVocabularies, Rwkv) {
    std::ofstream(folder_ / "rwkv_vocab_v20230424.txt") << R"(1 '\x00' 1
2 '\t' 1
3 ' ' 1
4 "'" 1
5 '\'"' 2
6 '\\n' 2
7 '\n\n' 2
8 'é' 2
9 '\xe9a' 3
10 b'\xe6\xad' 2
11 b"\xad'" 2
12 'a b' 3
13 'a' 1
14 'b' 1
)";
    const auto source = with(folder_);
    EXPECT_EQ(source->get_string("tokenizer.ggml.model").value(), "rwkv");
    EXPECT_EQ(source->get_u32("tokenizer.ggml.bos_token_id").value(), 0u);
    EXPECT_EQ(source->get_u32("tokenizer.ggml.eot_token_id").value(), 7u);
    // As the field's converter writes them.
    const auto tokens = source->get_string_array("tokenizer.ggml.tokens").value();
    const std::vector<std::string> expected{"<s>",        "\\x00",  "\\t",    " ",          "'",
                                            "\\'\"",      "\\\\n",  "\\n\\n", "\\xc3\\xa9", "\\xc3\\xa9a",
                                            "\\xe6\\xad", "\\xad'", "a b",    "a",          "b"};
    EXPECT_EQ(std::vector<std::string>(tokens.begin(), tokens.begin() + 15), expected);
    EXPECT_EQ(ids_of(*source, "a b\xC3\xA9"), (std::vector<int32_t>{12, 8}));
    EXPECT_EQ(ids_of(*source,
                     "\xC3\xA9"
                     "a a\\n\n\n"),
              (std::vector<int32_t>{9, 3, 13, 6, 7}));
    EXPECT_EQ(ids_of(*source, "\xE6\xAD\xAD''\"'"), (std::vector<int32_t>{10, 11, 5, 4}));
    EXPECT_EQ(ids_of(*source, "b<s>a"), (std::vector<int32_t>{14, 0, 13}));
    EXPECT_EQ(ids_of(*with(folder_ / "rwkv_vocab_v20230424.txt"), "a b"), (std::vector<int32_t>{12}));
    // tokenizer_config.json names the token without a line.
    std::ofstream(folder_ / "tokenizer_config.json") << R"({"tokenizer_class": "RwkvTokenizer", "eos_token": "<|end|>",
               "added_tokens_decoder": {"0": {"content": "<|end|>", "special": true}}})";
    EXPECT_EQ(ids_of(*with(folder_), "b<|end|>a"), (std::vector<int32_t>{14, 0, 13}));
}

TEST_F(HuggingFaceVocabularies, RwkvErrorsSayWhere) {
    const auto message = [](std::string_view text) { return message_of(huggingface::parse_rwkv_vocabulary, text); };
    EXPECT_EQ(message("1 'a' 1"), "none");
    EXPECT_EQ(message(""), "x: there are no tokens");
    EXPECT_EQ(message("1 'a' 1\n2 'b'"), "x: line 2 is '2 'b'': an id, a token in quotes and its length are needed");
    EXPECT_NE(message("0 'a' 1").find("its id has to be from 1 to 16777215"), std::string::npos);
    EXPECT_NE(message("1 'a' 2").find("its token has 1 bytes, which its last number has to be"), std::string::npos);
    EXPECT_EQ(message("1 'a' 1\n2 '' 0"), "x: line 2 is '2 '' 0': its token is empty");
    EXPECT_NE(message("1 'a' x").find("which its last number has to be"), std::string::npos);
    EXPECT_EQ(message("1 '\xE9' 1"), "x: line 1 is '1 '\\xe9' 1': it is not UTF-8");
    EXPECT_NE(message("\xEF\xBB\xBF"
                      "1 'a' 1")
                  .find("x: it begins with a byte-order mark"),
              std::string::npos);
    for (const char* literal :
         {"'a", "a", "'a'b'", "b'\xC3\xA9'", "'\\xz0'", "'\\ud800'", "b'\\u0061'", "'\\U00110000'", "'\\"})
        EXPECT_NE(message(fmt::format("1 {} 1", literal)).find("its token is no str and no bytes of Python"), std::string::npos)
            << literal << message(fmt::format("1 {} 1", literal));
}

TEST_F(HuggingFaceVocabularies, Plamo) {
    {
        std::ofstream file(folder_ / "tokenizer.jsonl");
        file << R"(["<|plamo:unk|>", 0.0, "UNKNOWN", 2]
["<|plamo:bos|>", 0.0, "CONTROL"]
["<|plamo:eos|>", 0.0, "CONTROL"]
["<|plamo:pad|>", 0.0, "CONTROL"]
["<|plamo:op|>", 0.0, "NORMAL"]
)";
        for (int byte = 0; byte < 256; ++byte) file << fmt::format("[\"<0x{:02X}>\", -100.0, \"BYTE\"]\n", byte);
        file << "[\"a\", -2.5, \"NORMAL\"]\n[\"b\", -2.5, \"NORMAL\"]\n\n[\"ab\", -4.5, \"NORMAL\"]\n[\"\\u3042\", -1, "
                "\"NORMAL\"]";
    }
    std::ofstream(folder_ / "tokenizer_config.json") << R"({"add_bos_token": true, "bos_token": "<|plamo:bos|>"})";
    const auto source = with(folder_);
    EXPECT_EQ(source->get_string("tokenizer.ggml.model").value(), "plamo2");
    EXPECT_TRUE(source->warnings().empty()) << source->warnings().front();
    for (const auto& [key, id] : std::initializer_list<std::pair<const char*, uint32_t>>{
             {"unknown", 0}, {"bos", 1}, {"eos", 2}, {"padding", 3}, {"eot", 4}})
        EXPECT_EQ(source->get_u32(fmt::format("tokenizer.ggml.{}_token_id", key)).value_or(99), id) << key;
    EXPECT_EQ(source->get_i32_array("tokenizer.ggml.token_type").value()[4], 3);
    const GgufVocabulary vocabulary = read_vocabulary(*source);
    ASSERT_TRUE(vocabulary.tokenizer) << vocabulary.tokenizer.error().message;
    const auto ids = vocabulary.tokenizer->encode("aab\xE3\x81\x82z", {});
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, (std::vector<int32_t>{1, 261, 263, 264, 5 + 'z'}));
}

TEST_F(HuggingFaceVocabularies, PlamoErrorsSayWhere) {
    const auto message = [](std::string_view text) { return message_of(huggingface::parse_plamo_vocabulary, text); };
    EXPECT_EQ(message("[\"a\", 1, \"NORMAL\"]\n"), "none");
    EXPECT_EQ(message("\n\n"), "x: there are no tokens");
    EXPECT_EQ(message("[\"a\", 1, \"NORMAL\"]\n[\"b\", 1]"),
              "x: vocabulary: the line at byte 19 is no list of a text, a score and a type");
    EXPECT_EQ(message("[\"\", 1, \"NORMAL\"]"), "x: vocabulary: the token at byte 1 has no text");
    EXPECT_EQ(message("[\"a\", NaN, \"NORMAL\"]"), "x: vocabulary: the score at byte 6 is NaN; a finite number is needed");
    EXPECT_NE(message("[\"a\", 1, \"OTHER\"]").find("the type at byte 9 is 'OTHER'"), std::string::npos);
    EXPECT_NE(message("[\"a\", 1, \"NORMAL\"] x").find("the end of the line is expected at byte 19"), std::string::npos);
}

}  // namespace
}  // namespace krait
