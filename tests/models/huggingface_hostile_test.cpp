// SPDX-License-Identifier: Apache-2.0
//
// Hugging Face folders that are wrong: each is an error that names what is wrong, and where.
#include "models/quantize/quantized_source.hpp"
#include "tests/models/huggingface_hostile_fixture.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;
using test::HuggingFaceHostile;
using test::Json;
using test::StoredTensor;

TEST_F(HuggingFaceHostile, TheUntouchedFolderIsGood) {
    const auto loaded = load();
    EXPECT_TRUE(loaded) << loaded.error().message;
}

TEST_F(HuggingFaceHostile, NoFolderAndNoFiles) {
    const auto none = open_model(folder_ / "nothing");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, ErrorCode::not_found);
    const auto file = open_model(model() / "model.safetensors");
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().message.find("name the folder"), std::string::npos) << file.error().message;
    fs::rename(model() / "model.safetensors", model() / "pytorch_model.safetensors");
    expect_error(ErrorCode::not_found, {"no weights", "model.safetensors"});
    write("pytorch_model.bin", "PK");
    expect_error(ErrorCode::corrupt_file, {"pytorch_model.bin", "archive"});
    fs::remove(model() / "config.json");
    expect_error(ErrorCode::not_found, {"config.json"});
    fs::create_directory(model() / "config.json");
    EXPECT_FALSE(load());
}

TEST_F(HuggingFaceHostile, ConfigurationsThatAreNoJson) {
    for (const std::string text : {"", "[]", "{", R"({"model_type": "mamba")", R"({"a": 1, "a": 2})", R"({"a": tru})", "null",
                                   "{} {}", R"({"a": 1e999})"}) {
        write("config.json", text);
        const auto loaded = load();
        ASSERT_FALSE(loaded) << text;
        EXPECT_NE(loaded.error().message.find("config.json"), std::string::npos) << loaded.error().message;
    }
    write("config.json", std::string(100'000, '[') + std::string(100'000, ']'));
    EXPECT_FALSE(load());
    write("config.json", "{\"a\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}");
    expect_error(ErrorCode::corrupt_file, {"nested more than 64 deep"});
    write("config.json", "{\"a\": \"" + std::string(5'000'000, 'x') + "\"}");
    expect_error(ErrorCode::unsupported, {"config.json", "at most 4000000"});
}

TEST_F(HuggingFaceHostile, UnknownKindsNameTheKnown) {
    edit("config.json", [](Json& config) { config["model_type"] = "llama"; });
    expect_error(ErrorCode::unsupported, {"config.json", "'llama'", "'mamba'", "'falcon_mamba'", "'mamba2'"});
    edit("config.json", [](Json& config) { config["model_type"] = 7; });
    expect_error(ErrorCode::corrupt_file, {"config.json", "'model_type'", "the number 7"});
    edit("config.json", [](Json& config) { config.erase("model_type"), config["architectures"] = {"LlamaForCausalLM"}; });
    expect_error(ErrorCode::unsupported, {"'LlamaForCausalLM'", "'mamba2'"});
    write("config.json", "{}");
    expect_error(ErrorCode::corrupt_file, {"'model_type'", "'mamba2'"});
}

TEST_F(HuggingFaceHostile, NumbersOfTheWrongKind) {
    for (const Json& wrong : {Json(0), Json(-1), Json(1.5), Json("32"), Json(true), Json(Json::array()), Json(5'000'000'000)}) {
        edit("config.json", [&](Json& config) { config["hidden_size"] = wrong; });
        expect_error(ErrorCode::corrupt_file, {"config.json", "'hidden_size'"});
    }
    edit("config.json", [](Json& config) { config.erase("hidden_size"); });
    expect_error(ErrorCode::corrupt_file, {"config.json", "'d_model' or 'hidden_size'"});
    edit("config.json", [](Json& config) { config["hidden_size"] = 32, config["layer_norm_epsilon"] = -1; });
    expect_error(ErrorCode::corrupt_file, {"'layer_norm_epsilon'", "-1"});
    edit("config.json", [](Json& config) { config["layer_norm_epsilon"] = 1e-5, config["use_bias"] = "yes"; });
    expect_error(ErrorCode::corrupt_file, {"'use_bias'", "true or false"});
}

TEST_F(HuggingFaceHostile, LyingSizes) {
    const auto with = [&](const char* key, int64_t value, std::vector<std::string> words) {
        copy("mamba");
        edit("config.json", [&](Json& config) { config[key] = value; });
        expect_error(ErrorCode::corrupt_file, words);
    };
    with("vocab_size", 321, {"'vocab_size' is 321", "320 rows"});
    with("hidden_size", 64, {"token_embd.weight"});
    with("state_size", 9, {"ssm_x.weight", "backbone.layers.0.mixer.x_proj.weight", "described at byte"});
    with("num_hidden_layers", 2'000'000'000, {"the number 2000000000; at most 26, the number of tensors"});
    with("num_hidden_layers", 3, {"missing", "backbone.layers.2.norm.weight", "and 4 more"});
    with("time_step_rank", 4, {"ssm_x.weight"});
    copy("mamba2");
    edit("config.json", [](Json& config) { config["n_groups"] = 3; });
    expect_error(ErrorCode::corrupt_file, {"'n_groups' at byte", "divides the 8 heads"});
    edit("config.json", [](Json& config) { config["n_groups"] = 2, config["num_heads"] = 7; });
    expect_error(ErrorCode::corrupt_file, {"the number 7; a number of heads that, times the 8 elements of each"});
}

TEST_F(HuggingFaceHostile, SettingsThatChangeResults) {
    const auto with = [&](const char* key, const Json& value) {
        copy("mamba2");
        edit("config.json", [&](Json& config) { config[key] = value; });
        expect_error(ErrorCode::unsupported, {"config.json", key});
    };
    with("hidden_act", "gelu");
    with("time_step_limit", {0.001, 0.1});
    with("attn_layer_idx", {1});
    with("d_intermediate", 64);
    with("rms_norm", false);
    with("quantization_config", {{"quant_method", "gptq"}});
}

TEST_F(HuggingFaceHostile, MissingAndLeftOverWeights) {
    edit_weights([](auto& tensors) { std::erase_if(tensors, [](const auto& t) { return t.name.ends_with("mixer.D"); }); });
    expect_error(ErrorCode::corrupt_file, {"2 weights", "backbone.layers.0.mixer.D", "backbone.layers.1.mixer.D"});
    copy("mamba");
    edit_weights([](auto& tensors) {
        tensors.push_back({"backbone.layers.0.attention.q.weight", "F32", {1}, std::string(4, '\0')});
        tensors.push_back({"backbone.layers.2.mixer.D", "F32", {1}, std::string(4, '\0')});
        tensors.push_back({"stray", "F32", {1}, std::string(4, '\0')});
    });
    expect_error(ErrorCode::unsupported,
                 {"no place for 3", "backbone.layers.0.attention.q.weight", "backbone.layers.2.mixer.D", "'stray'"});
    copy("mamba");
    edit_weights([](auto& tensors) { tensors.push_back({"model.layers.0.D", "F32", {64}, std::string(256, '\0')}); });
    expect_error(ErrorCode::corrupt_file, {"the same weight under two names"});
    copy("mamba");
    edit("config.json", [](Json& config) { config["use_bias"] = false; });
    expect_error(ErrorCode::unsupported, {"without biases", "mixer.in_proj.bias"});
    copy("mamba");
    edit_weights([](auto& tensors) { named(tensors, "backbone.layers.1.mixer.D").dtype = "U32"; });
    expect_error(ErrorCode::corrupt_file, {"backbone.layers.1.mixer.D", "U32", "F32, F16 or BF16"});
    copy("mamba");
    edit_weights([](auto& tensors) { named(tensors, "backbone.layers.1.mixer.conv1d.weight").shape = {1, 64, 4}; });
    expect_error(ErrorCode::corrupt_file, {"conv1d.weight", "[channels, 1, taps]"});
}

TEST_F(HuggingFaceHostile, TiedHeads) {
    const auto add_head = [](auto& tensors) {
        StoredTensor head = named(tensors, "backbone.embeddings.weight");
        head.name = "lm_head.weight";
        tensors.push_back(head);
    };
    edit_weights(add_head);
    auto source = open_model(model());
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_FALSE((*source)->find_tensor("output.weight"));
    edit_weights([](auto& tensors) { named(tensors, "lm_head.weight").data[7] ^= 1; });
    expect_error(ErrorCode::corrupt_file, {"lm_head.weight", "tie_word_embeddings"});
    edit("config.json", [](Json& config) { config["tie_word_embeddings"] = false; });
    source = open_model(model());
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE((*source)->find_tensor("output.weight"));
    copy("mamba");
    edit("config.json", [](Json& config) { config["tie_word_embeddings"] = false; });
    expect_error(ErrorCode::corrupt_file, {"missing", "lm_head.weight"});
}

TEST_F(HuggingFaceHostile, NothingLeavesTheFolder) {
    fs::rename(model() / "model.safetensors", folder_ / "outside.safetensors");
    fs::create_symlink(folder_ / "outside.safetensors", model() / "model.safetensors");
    expect_error(ErrorCode::invalid_argument, {"model.safetensors", "leaves the folder"});
    // A cache of downloads: all files are links to one other folder.
    fs::create_directory(folder_ / "blobs");
    fs::rename(folder_ / "outside.safetensors", folder_ / "blobs" / "1");
    fs::rename(model() / "config.json", folder_ / "blobs" / "2");
    fs::remove(model() / "model.safetensors");
    fs::create_symlink("../blobs/1", model() / "model.safetensors");
    fs::create_symlink("../blobs/2", model() / "config.json");
    EXPECT_TRUE(load());
    // A file that is not read, since config.json is there, lets no others out.
    fs::create_directory(folder_ / "elsewhere");
    fs::rename(folder_ / "blobs" / "1", folder_ / "elsewhere" / "1");
    std::ofstream(folder_ / "elsewhere" / "2") << "{}";
    fs::remove(model() / "model.safetensors");
    fs::create_symlink("../elsewhere/1", model() / "model.safetensors");
    fs::create_symlink("../elsewhere/2", model() / "params.json");
    expect_error(ErrorCode::invalid_argument, {"model.safetensors", "leaves the folder"});
    fs::remove(model() / "model.safetensors");
    fs::create_symlink("nowhere", model() / "model.safetensors");
    expect_error(ErrorCode::not_found, {"model.safetensors", "leads nowhere"});
    copy("mamba_sharded");
    edit("model.safetensors.index.json", [](Json& index) {
        for (auto& [name, file] : index["weight_map"].items()) file = "../" + file.get<std::string>();
    });
    expect_error(ErrorCode::corrupt_file, {"no name of a file beside the index"});
}

// A model generates from ids, so a bad tokenizer is told when text is wanted, and the model loads.
TEST_F(HuggingFaceHostile, TokenizersOfNoUse) {
    const auto expect_none = [&](const std::vector<std::string>& words) {
        const auto source = open_model(model());
        ASSERT_TRUE(source) << source.error().message;
        const GgufVocabulary vocabulary = read_vocabulary(**source);
        ASSERT_FALSE(vocabulary.tokenizer);
        for (const std::string& word : words)
            EXPECT_NE(vocabulary.tokenizer.error().message.find(word), std::string::npos)
                << vocabulary.tokenizer.error().message;
    };
    edit("tokenizer.json", [](Json& json) { json["model"]["type"] = "WordPiece"; });
    expect_none({"tokenizer.json", "WordPiece", "BERT's are known", "--tokenizer"});
    copy("mamba");
    edit("tokenizer.json", [](Json& json) { json["model"]["byte_fallback"] = true; });
    expect_none({"falls back to bytes"});
    copy("mamba");
    edit("tokenizer.json", [](Json& json) { json["pre_tokenizer"] = {{"type", "Metaspace"}}; });
    expect_none({"Metaspace", "docs/tokenizers.md"});
    copy("mamba");
    edit("tokenizer.json", [](Json& json) { json["normalizer"] = {{"type", "Lowercase"}}; });
    expect_none({"Lowercase"});
    copy("mamba");
    edit("tokenizer.json", [](Json& json) { json["model"]["vocab"]["b"] = 16'000'000; });
    expect_none({"ids go up to 16000000, but there are 315 tokens and 320 rows of the embedding"});
    copy("mamba");
    edit("tokenizer.json", [](Json& json) { json["model"]["merges"].push_back({"a", "b", "c"}); });
    expect_none({"3 parts"});
    write("tokenizer.json", "{\"model\": 3}");
    expect_none({"tokenizer.json", "byte 10"});
    fs::remove(model() / "tokenizer.json");
    expect_none({"there is no tokenizer.json, tokenizer.model, rwkv_vocab*.txt or tokenizer.jsonl", "--tokenizer PATH"});
}

// Whatever a byte is changed to, there is a model or an error.
TEST_F(HuggingFaceHostile, ChangedBytes) {
    constexpr char kBytes[] = "{}[]\",:0-e9.\\xn\0\xff";
    uint64_t state = 1;
    const auto random = [&](size_t n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<size_t>(state >> 33) % n;
    };
    for (const std::string name : {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
        std::ifstream stream(model() / name, std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(stream), {});
        for (int i = 0; i < 200; ++i) {
            std::string changed = text;
            for (size_t n = 1 + random(3); n > 0; --n) changed[random(changed.size())] = kBytes[random(std::size(kBytes))];
            if (random(4) == 0) changed.resize(random(changed.size()));
            write(name, changed);
            const auto source = open_model(model());
            if (source) {
                (void)create_architecture(**source);
                (void)read_vocabulary(**source);
            } else {
                EXPECT_FALSE(source.error().message.empty());
            }
        }
        write(name, text);
    }
}

TEST_F(HuggingFaceHostile, WeightsThatAreNoNumbersAreNotQuantized) {
    edit_weights([](auto& tensors) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(named(tensors, "backbone.layers.1.mixer.in_proj.weight").data.data() + 32 * 4 * 5, &nan, sizeof nan);
    });
    auto source = quantize_source(test::opened(model()), {.scheme = parse_quantize_type("q8_0").value()});
    ASSERT_TRUE(source) << source.error().message;
    const auto loaded = Model::load(std::move(*source), {.device = "reference"});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("blk.1.ssm_in.weight': row 5"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace krait
