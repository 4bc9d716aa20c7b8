// SPDX-License-Identifier: Apache-2.0
//
// Hugging Face folders as models, against the logits of transformers and the ids of tokenizers
// (data/huggingface/make_hf_golden.py); the same weights as torch.save writes them (make_bin_golden.py).
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "formats/open_model.hpp"
#include "formats/safetensors/safetensors_file.hpp"
#include "formats/safetensors/safetensors_writer.hpp"
#include "models/quantize/quantize.hpp"
#include "models/quantize/quantized_source.hpp"
#include "models/random/random_folder.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/models/huggingface_fixture.hpp"

namespace krait {
namespace {

class HuggingFaceLogits : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(HuggingFaceLogits, AreThoseOfTransformers) {
    const auto& [name, device] = GetParam();
    const std::string folder = test::kHuggingFace + name;
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
        const auto logits = test::logits_of(open_model(folder, {.access = access}), folder, device);
        EXPECT_LE(test::nmse(logits, test::read_npy<float>(folder + "/logits.npy")), 1e-9);
    }
}

INSTANTIATE_TEST_SUITE_P(Folders, HuggingFaceLogits,
                         testing::Combine(testing::Values("mamba", "mamba_sharded", "falcon_mamba", "mamba2", "official_mamba2",
                                                          "qbert"),
                                          testing::Values("reference", "cpu")),
                         [](const auto& tested) { return std::get<0>(tested.param) + "_" + std::get<1>(tested.param); });

using HuggingFaceFolder = test::FolderTest;

// The logits are those of the BF16 weights in float32. Products of the CPU round activations beside BF16 weights, so there it
// gets them as F32, which is exact.
TEST_F(HuggingFaceFolder, Bf16WeightsAreTheirNumbers) {
    const std::string folder = test::kHuggingFace + "mamba_bf16";
    const auto expected = test::read_npy<float>(folder + "/logits.npy");
    EXPECT_EQ(test::opened(folder)->find_tensor("blk.0.ssm_in.weight")->dtype(), DType::BF16);
    EXPECT_LE(test::nmse(test::logits_of(open_model(folder), folder, "reference"), expected), 1e-9);
    auto as_f32 = quantize_source(test::opened(folder), {.scheme = QuantizeScheme{.body = DType::F32}});
    EXPECT_LE(test::nmse(test::logits_of(std::move(as_f32), folder, "cpu"), expected), 1e-9);
}

TEST_F(HuggingFaceFolder, StateSpacesOwnConfigurations) {
    const std::string from = test::kHuggingFace + "qbert";
    std::filesystem::copy(from, folder_ / "official");
    std::ofstream(folder_ / "official" / "config.json")
        << R"({"d_model": 32, "n_layer": 2, "vocab_size": 317, "ssm_cfg": {"d_state": 8, "dt_rank": 3, "bias": true},
               "rms_norm": true, "residual_in_fp32": true, "fused_add_norm": true, "pad_vocab_size_multiple": 8})";
    const auto expected = test::logits_of(open_model(from), from, "reference");
    EXPECT_EQ(test::logits_of(open_model(folder_ / "official"), from, "reference"), expected);
}

// Mistral's own layout: params.json, consolidated.safetensors with names behind "model.", tokenizer.model.v3. The weights are
// those of a folder of transformers' layout, and so are the logits.
TEST_F(HuggingFaceFolder, MistralsOwnLayout) {
    RandomModelOptions options;
    options.sizes = {.name = "codestral",
                     .architecture = "mamba2",
                     .tied_head = false,
                     .n_layer = 2,
                     .d_model = 64,
                     .n_vocab = 800,
                     .d_inner = 128,
                     .d_state = 128,
                     .n_head = 2,
                     .n_group = 2};
    options.scheme = QuantizeScheme{.body = DType::BF16};
    const auto written = write_random_folder(folder_ / "transformers", options);
    ASSERT_TRUE(written) << written.error().message;
    const auto from = SafetensorsFile::open(folder_ / "transformers" / "model.safetensors");
    ASSERT_TRUE(from) << from.error().message;
    const std::filesystem::path mistral = folder_ / "mistral";
    std::filesystem::create_directory(mistral);
    auto writer = SafetensorsWriter::create(mistral / "consolidated.safetensors");
    ASSERT_TRUE(writer);
    const auto name_of = [](std::string name) {
        if (name == "backbone.embeddings.weight") name = "backbone.embedding.weight";
        return "model." + name;
    };
    for (const CheckpointTensor& tensor : from->tensors())
        ASSERT_TRUE(writer->declare(name_of(tensor.name), tensor.type == CheckpointType::bf16 ? DType::BF16 : DType::F32,
                                    tensor.extents));
    for (const CheckpointTensor& tensor : from->tensors()) ASSERT_TRUE(writer->write_part(name_of(tensor.name), tensor.bytes));
    ASSERT_TRUE(writer->finish());
    std::ofstream(mistral / "params.json")
        << R"({"dim": 64, "n_layers": 2, "vocab_size": 800, "n_groups": 2, "rms_norm": true, "residual_in_fp32": true,
               "fused_add_norm": true, "pad_vocab_size_multiple": 1, "tie_embeddings": false, "model_type": "mamba"})";
    std::filesystem::copy(test::kHuggingFace + "tokenizers/model_bpe/tokenizer.model", mistral / "tokenizer.model.v3");
    std::filesystem::copy(test::kHuggingFace + "mamba2/tokens.npy", folder_);
    const auto expected = test::logits_of(open_model(folder_ / "transformers"), folder_.string(), "reference");
    ASSERT_GT(expected.size(), 800u);
    EXPECT_EQ(test::logits_of(open_model(mistral), folder_.string(), "reference"), expected);
    const GgufVocabulary vocabulary = read_vocabulary(*test::opened(mistral));
    ASSERT_TRUE(vocabulary.tokenizer) << vocabulary.tokenizer.error().message;
    EXPECT_EQ(vocabulary.tokenizer->bos(), 1);
    const auto open_with = [&](const std::string& more) {
        std::ofstream(mistral / "params.json")
            << R"({"dim": 64, "n_layers": 2, "vocab_size": 800, "n_groups": 2, "tie_embeddings": false)" << more << "}";
        return open_model(mistral);
    };
    EXPECT_TRUE(open_with(R"(, "model_type": "mamba2")"));
    EXPECT_TRUE(open_with(R"(, "model_type": "mamba", "ssm_cfg": {"layer": "Mamba2"})"));
    const auto expect_error = [&](const std::string& more, ErrorCode code, const std::string& words) {
        const auto source = open_with(more);
        ASSERT_FALSE(source) << more;
        EXPECT_EQ(source.error().code, code) << source.error().message;
        EXPECT_NE(source.error().message.find(words), std::string::npos) << source.error().message;
    };
    expect_error(R"(, "model_type": "mamba", "ssm_cfg": {"layer": "Mamba1"})", ErrorCode::unsupported,
                 "params.json: 'ssm_cfg.layer' is 'Mamba1'");
    expect_error(R"(, "model_type": "mamba", "ssm_cfg": 5)", ErrorCode::corrupt_file, "'ssm_cfg' at byte ");
    // A transformer of Mistral's has such a file too.
    expect_error(R"(, "head_dim": 16, "n_heads": 4)", ErrorCode::unsupported, "params.json: models of the kind 'transformer'");
}

class PyTorchFolder : public test::FolderTest, public testing::WithParamInterface<std::string> {};

// Tensor by tensor, in parts of any size: the matrices of mamba_bf16_bin are transposes and parts of what lies in the file.
TEST_P(PyTorchFolder, HasTheBytesOfTheOneWithSafetensors) {
    const auto expected = test::opened(test::kHuggingFace + GetParam());
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
        const auto source = open_model(test::kHuggingFace + GetParam() + "_bin", {.access = access});
        ASSERT_TRUE(source) << source.error().message;
        ASSERT_EQ((*source)->tensors().size(), expected->tensors().size());
        for (const GgufTensor& tensor : expected->tensors()) {
            const GgufTensor* other = (*source)->find_tensor(tensor.name);
            ASSERT_TRUE(other) << tensor.name;
            EXPECT_EQ(to_string(other->desc), to_string(tensor.desc)) << tensor.name;
            const auto bytes = expected->read(tensor);
            ASSERT_TRUE(bytes) << tensor.name;
            std::vector<std::byte> parts(tensor.size);
            for (size_t at = 0; at < parts.size(); at += 37)
                ASSERT_TRUE(
                    (*source)->read_part(*other, at, std::span(parts).subspan(at, std::min<size_t>(37, parts.size() - at))));
            EXPECT_TRUE(std::ranges::equal(parts, bytes->bytes)) << tensor.name;
            const auto whole = (*source)->read(*other);
            ASSERT_TRUE(whole) << tensor.name;
            EXPECT_TRUE(std::ranges::equal(whole->bytes, bytes->bytes)) << tensor.name;
        }
    }
}

TEST_P(PyTorchFolder, HasTheLogitsOfTheOneWithSafetensors) {
    const std::string folder = test::kHuggingFace + GetParam();
    const auto logits = test::logits_of(open_model(folder + "_bin"), folder, "reference");
    EXPECT_EQ(logits, test::logits_of(open_model(folder), folder, "reference"));
    EXPECT_LE(test::nmse(logits, test::read_npy<float>(folder + "/logits.npy")), 1e-9);
    EXPECT_EQ(test::logits_of(open_model(folder + "_bin", {.access = FileAccess::read}), folder, "cpu"),
              test::logits_of(open_model(folder), folder, "cpu"));
}

// Hints about tensors that are used do no harm: what is read afterwards is the same.
TEST_P(PyTorchFolder, IsReadAgainAfterHints) {
    const auto source = test::opened(test::kHuggingFace + GetParam() + "_bin");
    for (const GgufTensor& tensor : source->tensors()) {
        source->will_read(tensor);
        const auto before = source->read(tensor);
        ASSERT_TRUE(before) << tensor.name;
        const std::vector<std::byte> copy(before->bytes.begin(), before->bytes.end());
        source->will_not_read(tensor);
        const auto after = source->read(tensor);
        ASSERT_TRUE(after) << tensor.name;
        EXPECT_TRUE(std::ranges::equal(after->bytes, copy)) << tensor.name;
    }
}

INSTANTIATE_TEST_SUITE_P(Folders, PyTorchFolder, testing::Values("mamba_bf16", "falcon_mamba", "mamba2"));

TEST_F(HuggingFaceFolder, SafetensorsComeBeforePyTorchsFiles) {
    const std::string origin = test::kHuggingFace + "mamba";
    std::filesystem::copy(origin, folder_ / "both");
    std::ofstream(folder_ / "both" / "pytorch_model.bin") << "no archive";
    const auto source = test::opened(folder_ / "both");
    EXPECT_TRUE(source->file_name(0).ends_with("model.safetensors")) << source->file_name(0);
    std::filesystem::remove(folder_ / "both" / "model.safetensors");
    EXPECT_FALSE(open_model(folder_ / "both"));
}

class HuggingFaceConvert : public test::FolderTest, public testing::WithParamInterface<std::string> {};

TEST_P(HuggingFaceConvert, GivesTheSameBits) {
    const std::string from = test::kHuggingFace + GetParam();
    auto source = test::opened(from);
    source = *quantize_source(std::move(source), {});
    ASSERT_TRUE(write_gguf(*source, folder_ / "whole.gguf"));
    const auto shards = split_gguf(*source, (folder_ / "part").string(), {.max_tensors = 7});
    ASSERT_TRUE(shards) << shards.error().message;
    ASSERT_GT(shards->size(), 1u);
    for (const char* device : {"reference", "cpu"}) {
        const auto expected = test::logits_of(open_model(from), from, device);
        EXPECT_EQ(test::logits_of(open_model(folder_ / "whole.gguf"), from, device), expected);
        EXPECT_EQ(test::logits_of(open_model((*shards)[1].path), from, device), expected);
    }
    // Metadata and tensors go over as they are.
    const auto file = GgufFile::open(folder_ / "whole.gguf");
    ASSERT_TRUE(file) << file.error().message;
    const auto folder = test::opened(from);
    for (const GgufMetadata& entry : folder->metadata()) {
        const GgufMetadata* written = file->find(entry.key);
        ASSERT_TRUE(written) << entry.key;
        EXPECT_EQ(written->value, entry.value) << entry.key;
    }
    EXPECT_EQ(file->get_u32("general.quantization_version"), 2u);
}

INSTANTIATE_TEST_SUITE_P(Folders, HuggingFaceConvert, testing::Values("mamba", "mamba_bf16", "falcon_mamba", "mamba2"));

TEST_F(HuggingFaceFolder, ConversionsThatStopLeaveNothing) {
    const auto source = test::opened(test::kHuggingFace + "mamba");
    std::atomic<bool> cancel = false;
    const GgufCopyOptions options{.cancel = &cancel,
                                  .progress = [&](uint64_t done, uint64_t total) { cancel = done > total / 2; }};
    const auto whole = write_gguf(*source, folder_ / "whole.gguf", options);
    ASSERT_FALSE(whole);
    EXPECT_EQ(whole.error().code, ErrorCode::cancelled);
    cancel = false;
    EXPECT_FALSE(split_gguf(*source, (folder_ / "part").string(), {.max_tensors = 7}, options));
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

// While loading, while converting, and of the converted file: the same bytes.
TEST_F(HuggingFaceFolder, QuantizingOnTheWayIsQuantizing) {
    for (const char* name : {"mamba", "mamba_bf16"})
        for (const char* type : {"q8_0", "q4_k", "f16"}) {
            const std::string from = test::kHuggingFace + std::string(name);
            const QuantizeScheme scheme = *parse_quantize_type(type);
            auto source = quantize_source(test::opened(from), {.scheme = scheme, .threads = 2});
            ASSERT_TRUE(source) << source.error().message;
            ASSERT_TRUE(write_gguf(**source, folder_ / "direct.gguf"));
            const auto written = quantize_file(*test::opened(from), folder_ / "quantized.gguf", {.scheme = scheme});
            ASSERT_TRUE(written) << written.error().message;
            const auto direct = test::opened(folder_ / "direct.gguf"), quantized = test::opened(folder_ / "quantized.gguf");
            ASSERT_EQ(direct->tensors().size(), quantized->tensors().size());
            for (const GgufTensor& tensor : direct->tensors()) {
                const GgufTensor* other = quantized->find_tensor(tensor.name);
                ASSERT_TRUE(other) << tensor.name;
                EXPECT_EQ(tensor.dtype(), other->dtype()) << tensor.name;
                EXPECT_TRUE(std::ranges::equal(tensor.bytes, other->bytes)) << tensor.name;
                // In parts of any size, and its beginning.
                const GgufTensor& lazy = **(*source)->tensor(tensor.name);
                std::vector<std::byte> parts(lazy.size);
                for (size_t at = 0; at < parts.size(); at += 37)
                    ASSERT_TRUE(
                        (*source)->read_part(lazy, at, std::span(parts).subspan(at, std::min<size_t>(37, parts.size() - at))));
                EXPECT_TRUE(std::ranges::equal(parts, tensor.bytes)) << tensor.name;
                const auto beginning = (*source)->read(lazy, 33);
                EXPECT_TRUE(std::ranges::equal(beginning->bytes, tensor.bytes.first(std::min<size_t>(33, tensor.size))));
            }
            const auto expected = test::logits_of(open_model(folder_ / "direct.gguf"), from, "cpu");
            EXPECT_EQ(test::logits_of(std::move(source), from, "cpu"), expected);
        }
}

TEST_F(HuggingFaceFolder, TokenizersAreThoseOfTheFiles) {
    for (const char* name : {"mamba", "mamba2", "falcon_mamba", "mamba_sharded"}) {
        const std::string folder = test::kHuggingFace + std::string(name);
        const auto source = test::opened(folder);
        const GgufVocabulary vocabulary = read_vocabulary(*source);
        ASSERT_TRUE(vocabulary.tokenizer) << vocabulary.tokenizer.error().message;
        EXPECT_TRUE(vocabulary.warnings.empty()) << vocabulary.warnings.front();
        for (const auto& line : nlohmann::json::parse(std::ifstream(folder + "/texts.json"))) {
            const auto ids = vocabulary.tokenizer->encode(line.at("text").get<std::string>(), {.parse_special = true});
            ASSERT_TRUE(ids) << ids.error().message;
            EXPECT_EQ(*ids, line.at("ids").get<std::vector<int32_t>>()) << name << ": " << line.at("text");
        }
        EXPECT_EQ(vocabulary.tokenizer->bos(), 0);
        EXPECT_EQ(vocabulary.tokenizer->pad(), 1);
        EXPECT_EQ(vocabulary.ends, (std::vector<int32_t>{0, 311}));  // generation_config.json lists two
        EXPECT_EQ(vocabulary.tokenizer->token_type(319), TokenType::unused);
        EXPECT_TRUE(source->has("tokenizer.chat_template"));
    }
}

TEST_F(HuggingFaceFolder, WithoutTokenizerTakesIdsAndAnothersTokenizer) {
    const std::string folder = test::kHuggingFace + std::string("official_mamba2");
    const GgufVocabulary none = read_vocabulary(*test::opened(folder));
    ASSERT_FALSE(none.tokenizer);
    EXPECT_EQ(none.tokenizer.error().code, ErrorCode::not_found);
    EXPECT_NE(none.tokenizer.error().message.find("--tokenizer PATH"), std::string::npos) << none.tokenizer.error().message;
    const auto source = open_model(folder, {.tokenizer = test::kHuggingFace + std::string("mamba")});
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE(read_vocabulary(**source).tokenizer);
}

}  // namespace
}  // namespace krait
