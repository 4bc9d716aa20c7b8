// SPDX-License-Identifier: Apache-2.0
//
// Folders of hybrids as different versions of transformers write them, converted, quantized, and wrong. Their logits are
// compared in tests/golden/hybrids_test.cpp.
#include <algorithm>

#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "models/model.hpp"
#include "models/quantize/quantized_source.hpp"
#include "tests/models/huggingface_hostile_fixture.hpp"

namespace krait {
namespace {

using test::Json;
using test::StoredTensor;

const std::vector<std::string> kFolders{"bamba",
                                        "falcon_h1",
                                        "falcon_h1_plain_tied",
                                        "granite_dense_rope",
                                        "granite_moe_nope",
                                        "jamba_moe",
                                        "jamba_dense",
                                        "lfm2",
                                        "lfm2_moe",
                                        "nemotron_h",
                                        "zamba2",
                                        "nemotron_h_moe",
                                        "nemotron_h_moe_latent",
                                        "zamba2_plain"};

std::string golden(const std::string& name) { return "tests/golden/hybrids/" + name; }

std::vector<float> values_of(const ModelSource& source, const std::string& name) {
    const GgufTensor* tensor = source.find_tensor(name);
    if (!tensor) {
        ADD_FAILURE() << name << " is not there";
        return {};
    }
    const auto read = source.read(*tensor);
    EXPECT_TRUE(read) << name;
    std::vector<float> values(static_cast<size_t>(element_count(tensor->desc)));
    decode_row(tensor->dtype(), read->bytes.data(), values);
    return values;
}

// Metadata and tensors.
void expect_same(const ModelSource& one, const ModelSource& other) {
    ASSERT_EQ(one.metadata().size(), other.metadata().size());
    for (const GgufMetadata& entry : one.metadata()) {
        if (entry.key == "general.name") continue;  // that of the folder
        const GgufMetadata* found = other.find(entry.key);
        ASSERT_TRUE(found) << entry.key;
        EXPECT_EQ(found->value, entry.value) << entry.key;
    }
    ASSERT_EQ(one.tensors().size(), other.tensors().size());
    for (const GgufTensor& tensor : one.tensors()) {
        const GgufTensor* found = other.find_tensor(tensor.name);
        ASSERT_TRUE(found) << tensor.name;
        EXPECT_EQ(to_string(found->desc), to_string(tensor.desc)) << tensor.name;
        const auto left = one.read(tensor), right = other.read(*found);
        ASSERT_TRUE(left && right) << tensor.name;
        EXPECT_TRUE(std::ranges::equal(left->bytes, right->bytes)) << tensor.name;
    }
}

class HybridFolders : public test::FolderTest, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Folders, HybridFolders, testing::ValuesIn(kFolders));

TEST_P(HybridFolders, AreReadInPartsOfAnySize) {
    for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
        const auto source = open_model(golden(GetParam()), {.access = access});
        ASSERT_TRUE(source) << source.error().message;
        for (const GgufTensor& tensor : (*source)->tensors()) {
            (*source)->will_read(tensor);
            const auto whole = (*source)->read(tensor);
            ASSERT_TRUE(whole) << tensor.name;
            std::vector<std::byte> parts(tensor.size);
            for (size_t at = 0; at < parts.size(); at += 37)
                ASSERT_TRUE(
                    (*source)->read_part(tensor, at, std::span(parts).subspan(at, std::min<size_t>(37, parts.size() - at))));
            EXPECT_TRUE(std::ranges::equal(parts, whole->bytes)) << tensor.name;
        }
    }
}

TEST_P(HybridFolders, StayTheSameAsGguf) {
    auto source = quantize_source(test::opened(golden(GetParam())), {});
    ASSERT_TRUE(source) << source.error().message;
    ASSERT_TRUE(write_gguf(**source, folder_ / "whole.gguf"));
    expect_same(**source, *test::opened(folder_ / "whole.gguf"));
}

// Norms, routers, convolutions, biases and A in F32, all else in the type that was asked for, experts too.
TEST_P(HybridFolders, QuantizeMatricesAlone) {
    const auto source = quantize_source(test::opened(golden(GetParam())), {.scheme = *parse_quantize_type("q8_0")});
    ASSERT_TRUE(source) << source.error().message;
    for (const GgufTensor& tensor : (*source)->tensors()) {
        const std::string_view kind = tensor_kind(tensor.name);
        const bool is_small = kind.find("norm") != std::string_view::npos || !kind.ends_with(".weight") ||
                              kind == "ffn_gate_inp.weight" || kind == "ssm_conv1d.weight" || kind == "shortconv.conv.weight";
        // Rows of fewer than 32 are no whole blocks.
        const DType wanted = is_small ? DType::F32 : last_extent(tensor.desc) % 32 == 0 ? DType::Q8_0 : DType::F16;
        EXPECT_EQ(tensor.dtype(), wanted) << tensor.name;
        EXPECT_EQ(tensor.desc.rank == 3, kind.ends_with("_exps.weight")) << tensor.name;
    }
    ASSERT_TRUE(create_architecture(**source));
}

class HybridFolder : public test::HuggingFaceHostile {
  protected:
    void use(const std::string& name) { copy_folder(golden(name)); }
    void expect_unchanged(const std::string& name) const {
        const auto changed = open_model(model());
        ASSERT_TRUE(changed) << changed.error().message;
        expect_same(*test::opened(golden(name)), **changed);
    }
};

// Files from before transformers 5: other names of layers and of settings.
TEST_F(HybridFolder, OlderConfigurations) {
    const auto rename_layers = [](Json& layers) {
        for (Json& layer : layers)
            layer = layer == "linear_attention" ? "mamba" : layer == "full_attention" ? "attention" : layer;
    };
    const auto age = [](Json& config) {
        if (config.contains("rope_parameters")) {
            config["rope_theta"] = config["rope_parameters"]["rope_theta"];
            config.erase("rope_parameters");
        }
        config["torch_dtype"] = "float32";
        config.erase("dtype");
    };
    use("granite_dense_rope");
    edit("config.json", [&](Json& config) {
        age(config);
        rename_layers(config["layer_types"]);
        config.erase("time_step_limit");
    });
    expect_unchanged("granite_dense_rope");
    use("zamba2");
    edit("config.json", [&](Json& config) {
        age(config);
        rename_layers(config["layers_block_type"]);
    });
    expect_unchanged("zamba2");
    use("nemotron_h_moe");
    edit("config.json", [&](Json& config) {
        age(config);
        config.erase("layers_block_type");
        config["hybrid_override_pattern"] = "ME*EM-";
        config["num_hidden_layers"] = 6;
    });
    expect_unchanged("nemotron_h_moe");
    use("lfm2");
    edit("config.json", [&](Json& config) {
        age(config);
        config.erase("layer_types");
        config["full_attn_idxs"] = {1, 3};
        config["block_ff_dim"] = config["intermediate_size"];
        config["tie_embedding"] = true;
        config.erase("tie_word_embeddings");
    });
    expect_unchanged("lfm2");
}

StoredTensor stacked(std::string name, std::span<const StoredTensor* const> parts, std::vector<int64_t> shape) {
    StoredTensor all{.name = std::move(name), .dtype = "F32", .shape = std::move(shape), .data = {}};
    for (const StoredTensor* part : parts) all.data += part->data;
    return all;
}

// Experts in one tensor, as transformers has them in memory.
TEST_F(HybridFolder, ExpertsInOneTensorOrInOneEach) {
    use("jamba_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        for (const int layer : {1, 3}) {
            const std::string prefix = fmt::format("model.layers.{}.feed_forward.experts.", layer);
            std::vector<const StoredTensor*> into, out;
            for (int expert = 0; expert < 4; ++expert) {
                into.push_back(&named(tensors, fmt::format("{}{}.gate_proj.weight", prefix, expert)));
                into.push_back(&named(tensors, fmt::format("{}{}.up_proj.weight", prefix, expert)));
                out.push_back(&named(tensors, fmt::format("{}{}.down_proj.weight", prefix, expert)));
            }
            const int64_t width = into[0]->shape[0], d_model = into[0]->shape[1];
            const StoredTensor gate_up = stacked(prefix + "gate_up_proj", into, {4, 2 * width, d_model});
            const StoredTensor down = stacked(prefix + "down_proj", out, {4, d_model, width});
            std::erase_if(tensors, [&](const StoredTensor& t) { return t.name.starts_with(prefix); });
            tensors.push_back(gate_up);
            tensors.push_back(down);
        }
    });
    expect_unchanged("jamba_moe");
    // A network without a choice as its only expert.
    use("jamba_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        for (StoredTensor& tensor : tensors)
            for (const std::string part : {"gate_proj", "up_proj", "down_proj"})
                if (tensor.name == "model.layers.2.feed_forward." + part + ".weight")
                    tensor.name = "model.layers.2.feed_forward.experts.0." + part + ".weight";
    });
    expect_unchanged("jamba_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        StoredTensor twice = named(tensors, "model.layers.2.feed_forward.experts.0.up_proj.weight");
        twice.name = "model.layers.2.feed_forward.up_proj.weight";
        tensors.push_back(twice);
    });
    expect_error(ErrorCode::corrupt_file, {"layer 2 has both", "'feed_forward.up_proj.weight'", "names for the same weight"});
}

// Files may repeat a block in every layer that uses it.
TEST_F(HybridFolder, SharedBlocksAreKeptOnce) {
    use("zamba2");
    const auto repeat = [&](bool differs) {
        edit_weights([&](std::vector<StoredTensor>& tensors) {
            std::vector<StoredTensor> copies;
            const std::string first = "model.layers.1.shared_transformer.", again = "model.layers.4.shared_transformer.";
            for (const StoredTensor& tensor : tensors)
                if (tensor.name.starts_with(first)) {
                    copies.push_back(tensor);
                    copies.back().name.replace(0, first.size(), again);
                    if (differs) copies.back().data.back() ^= 1;
                }
            ASSERT_FALSE(copies.empty());
            tensors.insert(tensors.end(), copies.begin(), copies.end());
        });
    };
    repeat(false);
    expect_unchanged("zamba2");
    use("zamba2");
    repeat(true);
    expect_error(ErrorCode::corrupt_file,
                 {"belong to one block that layers share, but differ", "model.layers.4.shared_transformer."});
    use("zamba2");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        std::erase_if(tensors, [](const StoredTensor& t) {
            return t.name == "model.layers.2.shared_transformer.self_attn.q_proj.weight" ||
                   t.name == "model.embed_tokens.weight";
        });
    });
    expect_error(ErrorCode::corrupt_file, {"Zamba2 of 5 layers: 2 weights are missing: 'model.embed_tokens.weight'",
                                           "model.layers.2.shared_transformer.self_attn.q_proj.weight"});
}

// Rows of queries and keys: neighbours in the file turn together, but of Bamba's heads only the first half turns.
TEST_F(HybridFolder, RowsThatTurnBecomeNeighbours) {
    const auto check = [](const std::string& name, int64_t head, int64_t turning, const std::string& theirs) {
        const auto source = test::opened(golden(name));
        const auto file = SafetensorsFile::open(golden(name) + "/model.safetensors");
        ASSERT_TRUE(file);
        const CheckpointTensor& stored = **file->tensor(theirs + "self_attn.k_proj.weight");
        const int64_t width = stored.extents[1];
        const auto* from = reinterpret_cast<const float*>(stored.bytes.data());
        const std::vector<float> rows = values_of(*source, "blk.1.attn_k.weight");
        for (int64_t row = 0; row < stored.extents[0]; ++row) {
            const int64_t i = row % head, first = row - i;
            const int64_t origin = i < turning ? first + i / 2 + (i % 2) * (turning / 2) : row;
            for (int64_t k = 0; k < width; ++k)
                ASSERT_EQ(rows[static_cast<size_t>(row * width + k)], from[origin * width + k]) << row;
        }
    };
    check("granite_dense_rope", 6, 6, "model.layers.1.");
    check("bamba", 8, 4, "model.layers.1.");
    check("granite_moe_nope", 6, 0, "model.layers.1.");
}

TEST_F(HybridFolder, FactorsAreWorkedIntoWeights) {
    const auto source = test::opened(golden("falcon_h1_plain_tied"));
    const auto file = SafetensorsFile::open(golden("falcon_h1_plain_tied") + "/model.safetensors");
    ASSERT_TRUE(file);
    const auto stored = [&](const std::string& name) {
        const CheckpointTensor& tensor = **file->tensor(name);
        const auto* from = reinterpret_cast<const float*>(tensor.bytes.data());
        return std::vector<float>(from, from + tensor.bytes.size() / sizeof(float));
    };
    const auto expect_times = [&](const std::string& ours, const std::string& theirs, float factor) {
        const std::vector<float> got = values_of(*source, ours);
        std::vector<float> want = stored(theirs);
        for (float& value : want) value *= factor;
        EXPECT_EQ(got, want) << ours;
    };
    expect_times("token_embd.weight", "model.embed_tokens.weight", 1.5f);
    expect_times("output.weight", "model.embed_tokens.weight", 0.375f);  // tied: one weight, two factors
    expect_times("blk.1.attn_k.weight", "model.layers.1.self_attn.k_proj.weight", 1.25f * 0.625f);
    expect_times("blk.1.attn_v.weight", "model.layers.1.self_attn.v_proj.weight", 1.25f);
    expect_times("blk.1.ffn_down.weight", "model.layers.1.feed_forward.down_proj.weight", 1.25f);
    expect_times("blk.1.ffn_up.weight", "model.layers.1.feed_forward.up_proj.weight", 1.0f);
    // z, x, B, C and dt: 40, 40, 16, 16 and 10 rows of 24.
    const std::vector<float> got = values_of(*source, "blk.0.ssm_in.weight");
    std::vector<float> want = stored("model.layers.0.mamba.in_proj.weight");
    size_t at = 0;
    for (const auto& [rows, factor] : {std::pair<size_t, float>{40, 0.75f}, {40, 1.25f}, {16, 0.5f}, {16, 1.75f}, {10, 0.875f}})
        for (size_t i = 0; i < rows * 24; ++i) want[at++] *= 1.375f * factor;
    EXPECT_EQ(at, want.size());
    EXPECT_EQ(got, want);
}

TEST_F(HybridFolder, SettingsThatContradictEachOther) {
    const auto expect = [&](const std::string& name, const std::function<void(Json&)>& change, ErrorCode code,
                            const std::vector<std::string>& words) {
        SCOPED_TRACE(name);
        use(name);
        edit("config.json", change);
        expect_error(code, words);
    };
    constexpr auto kCorrupt = ErrorCode::corrupt_file, kUnsupported = ErrorCode::unsupported;
    expect("granite_moe_nope", [](Json& c) { c["layer_types"].erase(0); }, kCorrupt,
           {"config.json", "'layer_types' at byte", "one of 4 words"});
    expect("granite_moe_nope", [](Json& c) { c["layer_types"][1] = "sparse_attention"; }, kUnsupported,
           {"layer 1 is", "sparse_attention", "'full_attention'"});
    expect("granite_moe_nope", [](Json& c) { c["num_key_value_heads"] = 3; }, kCorrupt,
           {"'num_key_value_heads' at byte", "the number 3", "4 query heads"});
    expect("granite_moe_nope", [](Json& c) { c["num_experts_per_tok"] = 6; }, kCorrupt,
           {"'num_experts_per_tok' at byte", "the number 6; 1 to 5 of the 5 experts"});
    expect("granite_moe_nope", [](Json& c) { c["position_embedding_type"] = "alibi"; }, kCorrupt,
           {"'position_embedding_type'", "'nope'"});
    expect("granite_moe_nope", [](Json& c) { c["hidden_act"] = "gelu"; }, kUnsupported,
           {"'hidden_act'", "'silu' is supported"});
    expect("granite_moe_nope", [](Json& c) { c["num_local_experts"] = 4; }, kCorrupt, {"ffn_gate_inp.weight", "[4, 24]"});
    expect("granite_dense_rope",
           [](Json& c) {
               c["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 1e4}, {"factor", 4}};
           },
           kUnsupported, {"rope of the type 'yarn'"});
    expect("granite_moe_nope", [](Json& c) { c["mamba_n_heads"] = 7; }, kCorrupt,
           {"'mamba_n_heads' at byte", "the number 7", "times the 4 elements of each, is the inner size, 48"});
    expect("bamba", [](Json& c) { c["attn_layer_indices"] = {3}; }, kCorrupt, {"'attn_layer_indices'", "from 0 to 2"});
    expect("bamba", [](Json& c) { c["mamba_n_groups"] = 3; }, kCorrupt, {"'mamba_n_groups' at byte", "divides the 16 heads"});
    expect("nemotron_h", [](Json& c) { c["hybrid_override_pattern"] = "M-*-M*"; }, kCorrupt,
           {"'layers_block_type'", "what 'hybrid_override_pattern' says"});
    expect("nemotron_h", [](Json& c) { c["num_hidden_layers"] = 5; }, kCorrupt,
           {"'layers_block_type' at byte", "one of 5 words"});
    expect("nemotron_h", [](Json& c) { c["sliding_window"] = 128; }, kUnsupported, {"'sliding_window' is 128"});
    expect("nemotron_h", [](Json& c) { c["mlp_hidden_act"] = "silu"; }, kUnsupported, {"'mlp_hidden_act'", "'relu2'"});
    expect("nemotron_h_moe_latent", [](Json& c) { c["n_group"] = 3; }, kCorrupt,
           {"'n_group' at byte", "divides the 8 experts"});
    expect("nemotron_h_moe_latent", [](Json& c) { c["topk_group"] = 1; }, kCorrupt,
           {"'num_experts_per_tok' at byte", "1 to 2 experts", "the 1 groups"});
    expect("falcon_h1", [](Json& c) { c["ssm_multipliers"] = {1, 2}; }, kCorrupt, {"'ssm_multipliers'", "5 numbers"});
    expect("falcon_h1", [](Json& c) { c["mamba_norm_before_gate"] = true; }, kUnsupported, {"'mamba_norm_before_gate'"});
    expect("falcon_h1", [](Json& c) { c["attention_bias"] = true; }, kUnsupported, {"'attention_bias' is true"});
    expect("jamba_moe", [](Json& c) { c["expert_layer_offset"] = 0; }, kUnsupported, {"no place for"});
    expect("lfm2", [](Json& c) { c["conv_bias"] = true; }, kUnsupported, {"'conv_bias' is true"});
    expect("lfm2_moe", [](Json& c) { c["norm_topk_prob"] = false; }, kUnsupported, {"'norm_topk_prob' is false"});
    expect("zamba2", [](Json& c) { c["use_long_context"] = true; }, kUnsupported, {"'use_long_context' is true"});
    expect("zamba2", [](Json& c) { c["rms_norm_eps"] = 1e-6; }, kUnsupported, {"'rms_norm_eps'", "1e-05"});
    expect("zamba2", [](Json& c) { c["num_mem_blocks"] = 9; }, kCorrupt, {"9 blocks that layers share, but 5 layers"});
}

// Two names of one setting, and two lists of the layers.
TEST_F(HybridFolder, SettingsThatAreThereTwiceAgree) {
    const auto expect = [&](const std::string& name, const std::function<void(Json&)>& change,
                            const std::vector<std::string>& words) {
        SCOPED_TRACE(name);
        use(name);
        edit("config.json", change);
        expect_error(ErrorCode::corrupt_file, words);
    };
    expect("lfm2", [](Json& c) { c["rope_theta"] = 5.0; },
           {"'rope_parameters.rope_theta' at byte", "the number 5.0, as 'rope_theta' at byte"});
    expect("lfm2", [](Json& c) { c["full_attn_idxs"] = {0}; }, {"'full_attn_idxs' at byte", "what 'layer_types' says"});
    expect("lfm2_moe", [](Json& c) { c["full_attn_idxs"] = {0}; }, {"'full_attn_idxs' at byte", "what 'layer_types' says"});
    expect("lfm2", [](Json& c) { c["full_attn_idxs"] = "x"; }, {"'full_attn_idxs' at byte", "a list of layers"});
    expect("granite_moe_nope",
           [](Json& c) {
               c["layers_block_type"] = {"mamba", "mamba", "mamba", "mamba"};
           },
           {"'layers_block_type' at byte", "what 'layer_types' says"});
    expect("zamba2",
           [](Json& c) {
               c["layer_types"] = {"mamba", "mamba", "mamba", "mamba", "mamba"};
           },
           {"'layer_types' at byte", "what 'layers_block_type' says"});
    expect("zamba2", [](Json& c) { c["hybrid_layer_ids"] = {0}; }, {"'hybrid_layer_ids' at byte", "'layers_block_type' says"});
    expect("nemotron_h", [](Json& c) { c["layer_types"] = {"mamba", "mamba", "mamba", "mamba", "mamba", "mamba"}; },
           {"'layer_types' at byte", "what 'layers_block_type' says"});
    expect("bamba",
           [](Json& c) {
               c["layer_types"] = {"attention", "mamba", "mamba"};
           },
           {"'attn_layer_indices' at byte", "what 'layer_types' says"});
    use("lfm2");
    edit("config.json", [](Json& c) {
        c["rope_theta"] = 1e6;
        c["full_attn_idxs"] = {1, 3};
    });
    expect_unchanged("lfm2");
}

// Nothing is made for each layer before the layers are known to be there: this one would take minutes and all memory.
TEST_F(HybridFolder, MoreLayersThanTensors) {
    for (const char* name : {"jamba_moe", "bamba", "falcon_h1"}) {
        use(name);
        edit("config.json", [](Json& c) { c["num_hidden_layers"] = 1000000000; });
        expect_error(ErrorCode::corrupt_file,
                     {"config.json: 'num_hidden_layers' at byte", "1000000000", "the number of tensors in all"});
    }
}

// Errors name the setting and its byte in config.json, not the key of GGUF that it becomes.
TEST_F(HybridFolder, NumbersThatAreNone) {
    const auto expect = [&](const std::string& name, const std::string& key, const std::string& value,
                            const std::vector<std::string>& words) {
        SCOPED_TRACE(name + " " + key + " " + value);
        use(name);
        // As text, for JSON of the library knows no NaN.
        edit("config.json", [&](Json& c) {
            if (const size_t dot = key.find('.'); dot != std::string::npos) c[key.substr(0, dot)][key.substr(dot + 1)] = "@";
            else c[key] = "@";
        });
        std::ifstream stream(model() / "config.json");
        std::string text((std::istreambuf_iterator<char>(stream)), {});
        text.replace(text.find("\"@\""), 3, value);
        write("config.json", text);
        std::vector<std::string> all{"config.json: '" + key, "at byte"};
        all.insert(all.end(), words.begin(), words.end());
        expect_error(ErrorCode::corrupt_file, all);
    };
    expect("falcon_h1", "embedding_multiplier", "NaN", {"a number from"});
    expect("falcon_h1", "embedding_multiplier", "1e300", {"a number from"});
    expect("falcon_h1", "ssm_multipliers", "[NaN, 1, 1, 1, 1]", {"a number from"});
    expect("falcon_h1", "mlp_multipliers", "[1, Infinity]", {"a number from"});
    for (const char* key : {"attention_multiplier", "logits_scaling", "embedding_multiplier", "residual_multiplier"}) {
        expect("granite_moe_nope", key, "0", {"the number 0; a number from"});
        expect("granite_moe_nope", key, "1e39", {"a number from"});
    }
    expect("nemotron_h_moe", "routed_scaling_factor", "0", {"a number from"});
    expect("nemotron_h_moe", "n_routed_experts", "0", {"at least 1, since layer 1 has experts"});
    expect("lfm2", "rope_parameters.rope_theta", "0", {"a number from 1 to"});
    expect("lfm2", "rope_parameters", "\"x\"", {"an object is needed"});
    expect("lfm2", "rope_parameters", "[]", {"an object is needed"});
    expect("lfm2", "rope_scaling", "\"x\"", {"an object is needed"});
    expect("lfm2", "rope_parameters.mrope_section", "[1, 1, 0]", {"a list of numbers with the sum 3"});
    use("granite_moe_nope");
    edit("config.json", [](Json& c) { c.erase("num_experts_per_tok"); });
    expect_error(ErrorCode::corrupt_file, {"there is no 'num_experts_per_tok'; 1 to 5 of the 5 experts"});
}

// With such weights every row goes to experts that no token has chosen, and the text looks like any other.
TEST_F(HybridFolder, RoutersAreFinite) {
    constexpr std::pair<const char*, const char*> kTensors[] = {
        {"nemotron_h_moe", "model.layers.1.mixer.gate.e_score_correction_bias"},
        {"lfm2_moe", "model.layers.3.feed_forward.expert_bias"},
        {"granite_moe_nope", "model.layers.0.block_sparse_moe.router.layer.weight"}};
    for (const auto& [name, tensor] : kTensors) {
        use(name);
        std::string kind;
        edit_weights(
            [&, ending = std::string(tensor).substr(std::string(tensor).find("layers."))](std::vector<StoredTensor>& tensors) {
                for (StoredTensor& t : tensors)
                    if (t.name.ends_with(ending)) {
                        const float nan = std::numeric_limits<float>::quiet_NaN();
                        std::memcpy(t.data.data() + sizeof nan, &nan, sizeof nan);
                        kind = t.name;
                    }
            });
        ASSERT_FALSE(kind.empty()) << tensor;
        const auto loaded = Model::load(model(), {.device = "cpu"});
        ASSERT_FALSE(loaded) << tensor;
        EXPECT_EQ(loaded.error().code, ErrorCode::corrupt_file);
        EXPECT_NE(loaded.error().message.find(kind), std::string::npos) << loaded.error().message;
        EXPECT_NE(loaded.error().message.find("element 1 is nan"), std::string::npos) << loaded.error().message;
    }
}

TEST_F(HybridFolder, ExpertsThatAreMissingOrDiffer) {
    use("lfm2_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        std::erase_if(tensors,
                      [](const StoredTensor& t) { return t.name == "model.layers.3.feed_forward.experts.2.w1.weight"; });
    });
    expect_error(ErrorCode::corrupt_file,
                 {"LFM2 with experts of 5 layers: 1 weight is missing", "model.layers.3.feed_forward.experts.2.w1.weight"});
    use("lfm2_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        StoredTensor& tensor = named(tensors, "model.layers.3.feed_forward.experts.2.w1.weight");
        tensor.shape = {tensor.shape[0] / 2, tensor.shape[1]};
        tensor.data.resize(tensor.data.size() / 2);
    });
    expect_error(ErrorCode::corrupt_file, {"experts.2.w1.weight", "but experts are alike"});
    use("lfm2_moe");
    edit_weights([](std::vector<StoredTensor>& tensors) {
        StoredTensor extra = named(tensors, "model.layers.3.feed_forward.experts.2.w1.weight");
        extra.name = "model.layers.3.feed_forward.experts.99999999.w1.weight";
        tensors.push_back(extra);
    });
    expect_error(ErrorCode::unsupported, {"no place for", "experts.99999999.w1.weight"});
}

}  // namespace
}  // namespace krait
