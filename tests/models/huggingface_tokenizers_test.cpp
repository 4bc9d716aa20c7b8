// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json and tokenizer.model of every kind, against the ids of tokenizers and sentencepiece
// (data/huggingface/make_tokenizer_folders.py), and wrong ones.
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "formats/gguf/gguf_split.hpp"
#include "formats/huggingface/sentencepiece_model.hpp"
#include "formats/huggingface/tokenizer_json.hpp"
#include "models/loading/gguf_tokenizer.hpp"
#include "tests/models/huggingface_fixture.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::string kTokenizers = test::kHuggingFace + "tokenizers/";

std::string text_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A model with the tokenizer of a folder.
std::unique_ptr<ModelSource> with_tokenizer(const fs::path& folder) {
    auto source = open_model(test::kHuggingFace + "mamba", {.tokenizer = folder});
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
}

void expect_ids(const ModelSource& source, const fs::path& folder) {
    const GgufVocabulary vocabulary = read_vocabulary(source);
    ASSERT_TRUE(vocabulary.tokenizer) << vocabulary.tokenizer.error().message;
    EXPECT_TRUE(vocabulary.warnings.empty()) << vocabulary.warnings.front();
    const Json lines = Json::parse(text_of(folder / "texts.json"));
    ASSERT_GT(lines.size(), 20u);
    for (const auto& line : lines) {
        const auto ids = vocabulary.tokenizer->encode(line.at("text").get<std::string>(), {.parse_special = true});
        ASSERT_TRUE(ids) << ids.error().message;
        EXPECT_EQ(*ids, line.at("ids").get<std::vector<int32_t>>()) << line.at("text");
    }
}

class TokenizerFolder : public test::FolderTest, public testing::WithParamInterface<std::string> {};

TEST_P(TokenizerFolder, HasTheIdsOfItsJudge) {
    expect_ids(*with_tokenizer(kTokenizers + GetParam()), kTokenizers + GetParam());
}

// A GGUF file says all of it.
TEST_P(TokenizerFolder, HasThemWhenItIsConverted) {
    const auto source = with_tokenizer(kTokenizers + GetParam());
    ASSERT_TRUE(write_gguf(*source, folder_ / "whole.gguf"));
    expect_ids(*test::opened(folder_ / "whole.gguf"), kTokenizers + GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerFolder,
                         testing::Values("llama_every_part", "llama_text_start", "llama_never", "unigram", "bert", "added",
                                         "model_bpe", "model_unigram", "model_not_legacy"),
                         [](const auto& tested) { return tested.param; });

class HuggingFaceTokenizers : public test::FolderTest {
  protected:
    void copy(const std::string& name) const {
        fs::remove_all(folder());
        fs::copy(kTokenizers + name, folder());
    }
    fs::path folder() const { return folder_ / "tokenizer"; }
    void edit(const std::function<void(Json&)>& change) const {
        Json json = Json::parse(text_of(folder() / "tokenizer.json"));
        change(json);
        std::ofstream(folder() / "tokenizer.json") << json.dump();
    }
    void expect_none(const std::vector<std::string>& words) const {
        // One that was named is an error where it cannot be read, or where its keys make no tokenizer.
        const auto source = open_model(test::kHuggingFace + "mamba", {.tokenizer = folder()});
        Error error{};
        if (source) {
            const GgufVocabulary vocabulary = read_vocabulary(**source);
            ASSERT_FALSE(vocabulary.tokenizer) << words.front();
            error = vocabulary.tokenizer.error();
        } else {
            error = source.error();
        }
        for (const std::string& word : words)
            EXPECT_NE(error.message.find(word), std::string::npos) << word << " in: " << error.message;
    }
};

TEST_F(HuggingFaceTokenizers, PreTokenizersHaveTheirNames) {
    for (const auto& known : Json::parse(text_of(kTokenizers + "pre_tokenizers.json"))) {
        copy("added");
        edit([&](Json& json) {
            json["normalizer"] = known.at("normalizer");
            json["pre_tokenizer"] = known.at("pre_tokenizer");
            json["model"]["ignore_merges"] = known.at("ignore_merges");
        });
        const auto source = with_tokenizer(folder());
        EXPECT_EQ(source->get_string("tokenizer.ggml.pre").value_or(std::string_view("none")),
                  known.at("name").get<std::string>())
            << (source->why_no_tokenizer() ? source->why_no_tokenizer()->message : "");
        EXPECT_TRUE(read_vocabulary(*source).tokenizer);
    }
}

TEST_F(HuggingFaceTokenizers, ModelsOfSentencepieceComeAfterTokenizerJson) {
    copy("model_bpe");
    std::ofstream(folder() / "tokenizer.json") << R"({"model": {"type": "WordLevel", "vocab": {"a": 0}}})";
    const auto source = with_tokenizer(folder());
    EXPECT_EQ(source->get_string("tokenizer.ggml.model").value_or(std::string_view()), "llama");
    ASSERT_FALSE(source->warnings().empty());
    EXPECT_NE(source->warnings()[0].find("tokenizer.model is read instead"), std::string::npos) << source->warnings()[0];
    // One that is broken is no reason to read another.
    std::ofstream(folder() / "tokenizer.json") << "{";
    expect_none({"tokenizer.json", "byte 1"});
}

TEST_F(HuggingFaceTokenizers, MergesThatScoresCannotSay) {
    copy("llama_every_part");
    edit([](Json& json) { json["model"]["merges"].erase(json["model"]["merges"].begin() + 5); });
    expect_none({"tokenizer.json", "are not among them"});
    copy("llama_every_part");
    edit([](Json& json) {
        auto& merges = json["model"]["merges"];
        merges.push_back(merges[0]);
    });
    expect_none({"do not stand together"});
    copy("llama_text_start");
    edit([](Json& json) { json["pre_tokenizer"]["prepend_scheme"] = "always"; });
    expect_none({"before each part that has none"});
    copy("llama_text_start");
    edit([](Json& json) { json["pre_tokenizer"]["split"] = true; });
    expect_none({"cuts text at blanks"});
}

TEST_F(HuggingFaceTokenizers, UnigramsAndWordPiecesOfOtherKinds) {
    copy("unigram");
    edit([](Json& json) { json["normalizer"]["precompiled_charsmap"] = "?"; });
    expect_none({"base64"});
    copy("unigram");
    edit([](Json& json) { json["model"]["vocab"][7][1] = "x"; });
    expect_none({"tokenizer.json", "byte"});
    copy("unigram");
    edit([](Json& json) { json["pre_tokenizer"] = {{"type", "Whitespace"}}; });
    expect_none({"Unigram", "'Whitespace'"});
    copy("bert");
    edit([](Json& json) { json["normalizer"]["clean_text"] = false; });
    expect_none({"BERT's are known"});
    copy("bert");
    edit([](Json& json) { json["model"]["max_input_chars_per_word"] = 20; });
    expect_none({"words of up to 20"});
}

// ---- fields of a wrong kind ------------------------------------------------------------------------------------------------

TEST_F(HuggingFaceTokenizers, FieldsOfTheTokenizerOfAWrongKind) {
    const auto expect_error = [&](const std::string& name, const std::vector<std::string>& words,
                                  const std::function<void(Json&)>& change) {
        copy(name);
        edit(change);
        expect_none({"tokenizer.json", " at byte "});
        expect_none(words);
    };
    expect_error("bert", {"'max_input_chars_per_word'", "the text '100'; a whole number from 0 to 16777215 is needed"},
                 [](Json& json) { json["model"]["max_input_chars_per_word"] = "100"; });
    expect_error("bert", {"'max_input_chars_per_word'", "the number 99.5"},
                 [](Json& json) { json["model"]["max_input_chars_per_word"] = 99.5; });
    expect_error("bert", {"'max_input_chars_per_word'", "the number -1"},
                 [](Json& json) { json["model"]["max_input_chars_per_word"] = -1; });
    expect_error("bert", {"'lowercase'", "the number 1; true or false is needed"},
                 [](Json& json) { json["normalizer"]["lowercase"] = 1; });
    expect_error("bert", {"'unk_token'", "the number 100; a text is needed"},
                 [](Json& json) { json["model"]["unk_token"] = 100; });
    expect_error("unigram", {"'unk_id'", "the text '<unk>'"}, [](Json& json) { json["model"]["unk_id"] = "<unk>"; });
    expect_error("llama_every_part", {"'byte_fallback'", "the text 'yes'"},
                 [](Json& json) { json["model"]["byte_fallback"] = "yes"; });
    expect_error("added", {"'lstrip'", "the text 'true'"}, [](Json& json) { json["added_tokens"][0]["lstrip"] = "true"; });
    for (const Json& id : {Json(5.9), Json(-1), Json("5"), Json(16'777'216)})
        expect_error("added", {"the added token at byte ", "an \"id\", a whole number from 0 to 16777215"},
                     [&](Json& json) { json["added_tokens"][0]["id"] = id; });
    expect_error("added", {"'single'", "an object; a list is needed"}, [](Json& json) {
        json["post_processor"] = {{"type", "TemplateProcessing"}, {"single", Json::object()}};
    });
}

// Files beside the tokenizer: a setting of another kind than its name has is an error, a value of no use a warning.
TEST_F(HuggingFaceTokenizers, SettingsOfAWrongKind) {
    const std::string config = "tokenizer_config.json", generation = "generation_config.json";
    const auto expect_wrong = [&](const std::string& file, const Json& settings, const std::string& words) {
        std::ofstream(folder() / file) << settings.dump();
        expect_none({fmt::format("{}: '{}' ", file, settings.begin().key()), "byte ", words});
        fs::remove(folder() / file);
    };
    for (const char* tokenizer : {"added", "model_bpe"}) {  // tokenizer.json, where added tokens are; tokenizer.model
        copy(tokenizer);
        expect_wrong(config, {{"add_bos_token", "yes"}}, "the text 'yes'; true or false is needed");
        expect_wrong(config, {{"add_eos_token", 1}}, "the number 1; true or false is needed");
        expect_wrong(config, {{"legacy", "no"}}, "the text 'no'; true or false is needed");
        expect_wrong(config, {{"eos_token", 5}}, "the number 5; the text of a token, or an object with the text \"content\"");
        expect_wrong(config, {{"mask_token", {{"content", true}}}}, "an object; the text of a token");
        expect_wrong(config, {{"chat_template", Json::object()}}, "an object; a text or a list of named texts is needed");
        expect_wrong(config, {{"chat_template", {{{"name", "default"}, {"template", false}}}}}, "\"template\" is needed");
        expect_wrong(config, {{"added_tokens_decoder", "x"}}, "the text 'x'; an object is needed");
        expect_wrong(config, {{"added_tokens_decoder", {{"5x", {{"content", "<x>"}}}}}}, "'5x'");
        expect_wrong(config, {{"added_tokens_decoder", {{"5", "<x>"}}}}, "the text '<x>'; an object with the text \"content\"");
        expect_wrong(generation, {{"eos_token_id", "2"}}, "the text '2'; the id of a token or a list of ids is needed");
        expect_wrong(generation, {{"eos_token_id", {2, "3"}}}, "the text '3'; the id of a token is needed");
        expect_wrong(generation, {{"bos_token_id", 1.5}}, "the number 1.5; the id of a token");
    }
    std::ofstream(folder() / config) << R"({"added_tokens_decoder": {"9": {"content": "<y>", "lstrip": 1}}})";
    expect_none({config, "'lstrip' at byte ", "true or false is needed"});
    // As config.json is read beside it.
    fs::remove(folder() / config);
    fs::copy(test::kHuggingFace + "mamba", folder_ / "model");
    Json model = Json::parse(text_of(folder_ / "model/config.json"));
    model["eos_token_id"] = "</s>";
    std::ofstream(folder_ / "model/config.json") << model.dump();
    const auto opened = open_model(folder_ / "model");
    ASSERT_TRUE(opened) << opened.error().message;  // it takes token ids
    ASSERT_NE((*opened)->why_no_tokenizer(), nullptr);
    EXPECT_NE((*opened)->why_no_tokenizer()->message.find("config.json: 'eos_token_id' at byte "), std::string::npos);
}

TEST_F(HuggingFaceTokenizers, SettingsOfNoUse) {
    const auto warnings_of = [&] {
        std::string all;
        const auto source = with_tokenizer(folder());
        for (const std::string& warning : source->warnings()) all += warning + "\n";
        EXPECT_TRUE(read_vocabulary(*source).tokenizer);
        return all;
    };
    const auto expect_warning = [&](const std::string& file, const Json& settings, const std::string& words) {
        std::ofstream(folder() / file) << settings.dump();
        const std::string all = warnings_of();
        EXPECT_NE(all.find(fmt::format("{}: '{}' at byte ", file, settings.begin().key())), std::string::npos) << all;
        EXPECT_NE(all.find(words), std::string::npos) << words << " in: " << all;
        EXPECT_NE(all.find(": it is ignored"), std::string::npos) << all;
        fs::remove(folder() / file);
    };
    copy("model_bpe");
    fs::remove(folder() / "tokenizer_config.json");
    EXPECT_EQ(warnings_of(), "");
    const std::string config = "tokenizer_config.json", generation = "generation_config.json";
    expect_warning(config, {{"eos_token", "<nowhere>"}}, "the text '<nowhere>', which is no text of a token");
    expect_warning(generation, {{"eos_token_id", {2, 1e9}}}, "the id of a token, 0 to ");
    expect_warning(generation, {{"eos_token_id", -7}}, "the number -7; the id of a token, 0 to ");
    // -1 and null are no token, as files of other tools have them; names that Krait does not know may have any value.
    std::ofstream(folder() / generation) << R"({"eos_token_id": null, "pad_token_id": -1, "temperature": "warm"})";
    std::ofstream(folder() / config)
        << R"({"bos_token": null, "add_bos_token": null, "chat_template": null, "added_tokens_decoder": null, "padding": []})";
    EXPECT_EQ(warnings_of(), "");
}

// Each would be a key of its own, and no key may come twice.
TEST_F(HuggingFaceTokenizers, NamesOfChatTemplates) {
    copy("model_bpe");
    const auto named = [](const char* name, const char* text) { return Json{{"name", name}, {"template", text}}; };
    const Json templates = {named("default", "a"),
                            named("tool_use", "b"),
                            named("tool_use", "c"),
                            named("default", "d"),
                            {{"name", std::string("x\0y", 3)}, {"template", "e"}},
                            named("\x1b[2J", "f")};
    std::ofstream(folder() / "tokenizer_config.json") << Json{{"chat_template", templates}}.dump();
    const auto source = with_tokenizer(folder());
    EXPECT_EQ(source->get_string("tokenizer.chat_template").value(), "a");
    EXPECT_EQ(source->get_string("tokenizer.chat_template.tool_use").value(), "b");
    const auto written = write_gguf(*source, folder_ / "whole.gguf");
    EXPECT_TRUE(written) << written.error().message;
    ASSERT_EQ(source->warnings().size(), 4u);
    for (const auto& [i, words] :
         std::vector<std::pair<size_t, std::string>>{{0, "has the name 'tool_use' a second time"},
                                                     {1, "has the name 'default' a second time"},
                                                     {2, "'x\\x00y'; a name without control characters"},
                                                     {3, "'\\x1b[2J'; a name without control"}}) {
        const std::string& warning = source->warnings()[i];
        EXPECT_NE(warning.find("tokenizer_config.json: 'chat_template' at byte "), std::string::npos) << warning;
        EXPECT_NE(warning.find(words), std::string::npos) << warning;
        EXPECT_TRUE(warning.ends_with(": it is ignored")) << warning;
    }
}

// Ids that no configuration names are those of the tokens that the tokenizer puts around a text.
TEST_F(HuggingFaceTokenizers, TokensOfThePostProcessor) {
    const auto processor = [](std::vector<std::string> before, std::vector<std::string> behind) {
        Json single = Json::array();
        for (const auto& token : before) single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
        single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
        for (const auto& token : behind) single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
        return Json{{"type", "TemplateProcessing"}, {"single", single}, {"pair", Json::array()}};
    };
    const auto id_of = [](const ModelSource& source, const char* key) {
        return source.get_i64(fmt::format("tokenizer.ggml.{}_token_id", key), -1).value_or(-2);
    };
    copy("bert");
    const Json vocabulary = Json::parse(text_of(folder() / "tokenizer.json"))["model"]["vocab"];
    const int64_t cls = vocabulary.at("[CLS]"), sep = vocabulary.at("[SEP]"), mask = vocabulary.at("[MASK]");
    fs::remove(folder() / "tokenizer_config.json");
    edit([&](Json& json) { json["post_processor"] = processor({"[CLS]"}, {"[SEP]"}); });
    auto source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "cls"), cls);
    EXPECT_EQ(id_of(*source, "seperator"), sep);
    EXPECT_TRUE(source->get_bool("tokenizer.ggml.add_sep_token", false).value());
    // A configuration that names another one is told so, and texts have the ids of the judge.
    std::ofstream(folder() / "tokenizer_config.json") << R"({"cls_token": "[MASK]"})";
    source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "cls"), cls);
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_NE(source->warnings()[0].find("'cls_token' is '[MASK]', but "), std::string::npos) << source->warnings()[0];
    // Unless it says that none is put there.
    std::ofstream(folder() / "tokenizer_config.json") << R"({"cls_token": "[MASK]", "add_bos_token": false})";
    source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "cls"), mask);
    EXPECT_TRUE(source->warnings().empty());

    fs::remove(folder() / "tokenizer_config.json");
    edit([&](Json& json) { json["post_processor"] = processor({}, {"[MASK]", "[SEP]"}); });
    source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "seperator"), sep);
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_NE(source->warnings()[0].find("puts 2 tokens behind a text; Krait puts one there, '[SEP]'"), std::string::npos)
        << source->warnings()[0];
    edit([&](Json& json) { json["post_processor"] = processor({"[NONE]"}, {}); });
    source = with_tokenizer(folder());
    ASSERT_FALSE(source->warnings().empty());
    EXPECT_NE(source->warnings()[0].find("puts '[NONE]' around texts, which is no token"), std::string::npos);

    const Json roberta = {{"type", "RobertaProcessing"}, {"cls", {"[CLS]", cls}}, {"sep", {1, 2}}};
    const auto sequence = [](const Json& one) { return Json{{"type", "Sequence"}, {"processors", Json::array({one})}}; };
    edit([&](Json& json) { json["post_processor"] = sequence(sequence(roberta)); });
    source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "cls"), cls);
    EXPECT_FALSE(source->get_bool("tokenizer.ggml.add_sep_token", true).value());
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_NE(source->warnings()[0].find("'sep' at byte "), std::string::npos) << source->warnings()[0];
    edit([&](Json& json) { json["post_processor"] = Json::array({roberta}); });
    source = with_tokenizer(folder());
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_NE(source->warnings()[0].find("is a list of 1; an object is needed"), std::string::npos) << source->warnings()[0];

    // The ends of texts are all of them: that of the tokenizer first.
    copy("llama_every_part");
    edit([&](Json& json) { json["post_processor"] = processor({}, {"<unk>"}); });
    std::ofstream(folder() / "tokenizer_config.json") << R"({"eos_token": "</s>"})";
    source = with_tokenizer(folder());
    EXPECT_EQ(id_of(*source, "eos"), 0);
    EXPECT_TRUE(source->get_bool("tokenizer.ggml.add_eos_token", false).value());
    EXPECT_EQ(read_vocabulary(*source).ends, (std::vector<int32_t>{0, 2}));
}

// ---- tokenizer.model ---------------------------------------------------------------------------------------------------

TEST(SentencePieceModel, CutAnywhereIsAnErrorOrAModel) {
    const std::string model = text_of(kTokenizers + "model_bpe/tokenizer.model");
    for (size_t size = 0; size < model.size(); size += size < 200 ? 1 : 13) {
        const auto parts = huggingface::parse_sentencepiece_model(std::string_view(model).substr(0, size), "x.model");
        if (!parts) {
            EXPECT_TRUE(parts.error().message.starts_with("x.model: ")) << parts.error().message;
        } else {
            EXPECT_LT(parts->pieces.size(), 800u);
        }
    }
}

TEST(SentencePieceModel, ErrorsSayWhere) {
    const auto message_of = [](std::string bytes) {
        const auto parts = huggingface::parse_sentencepiece_model(bytes, "x.model");
        return parts ? "none" : parts.error().message;
    };
    using namespace std::string_literals;
    EXPECT_NE(message_of("").find("no pieces"), std::string::npos);
    EXPECT_EQ(message_of("\x0A\x7F"s), "x.model: field 1 at byte 0 has 127 bytes, of which 0 are there");
    EXPECT_EQ(message_of("\x0A\x03\x0A\x01\xFF"s), "x.model: piece 0 at byte 0 is not UTF-8");
    EXPECT_EQ(message_of("\x0A\x02\x18\x01"s), "x.model: piece 0 at byte 0 has no text");
    EXPECT_EQ(message_of("\x0A\x05\x0A\x01q\x18\x09"s), "x.model: piece 0 at byte 0 is of the type 9; 1 to 6 are possible");
    EXPECT_NE(message_of("\x0A\x08\x0A\x01q\x15\x00\x00\xC0\x7F"s).find("has the score nan"), std::string::npos);
    EXPECT_EQ(message_of("\x08\x01"s), "x.model: field 1 at byte 0 is a number, where a message is needed");
    EXPECT_EQ(message_of("\x0B"s), "x.model: field 1 at byte 0 is of the kind 3, which no model has");
    EXPECT_EQ(message_of("\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s),
              "x.model: the number at byte 1 has more than 64 bits");
    EXPECT_NE(message_of("\x0A\x03\x0A\x01q\x12\x02\x18\x04"s).find("its model type is 4"), std::string::npos);
    EXPECT_EQ(message_of("\x0A\x03\x0A\x01q\x12\x02\x18\x02"s), "none");
}

// Whatever a byte is changed to, there is a tokenizer or an error.
TEST(SentencePieceModel, ChangedBytes) {
    const std::string model = text_of(kTokenizers + "model_unigram/tokenizer.model");
    uint64_t state = 1;
    const auto random = [&](size_t n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<size_t>(state >> 33) % n;
    };
    for (int i = 0; i < 2000; ++i) {
        std::string changed = model;
        for (size_t n = 1 + random(3); n > 0; --n) changed[random(changed.size())] = static_cast<char>(random(256));
        const auto parts = huggingface::parse_sentencepiece_model(changed, "x.model");
        EXPECT_TRUE(parts || !parts.error().message.empty());
    }
}

}  // namespace
}  // namespace krait
