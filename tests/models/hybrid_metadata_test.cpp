// SPDX-License-Identifier: Apache-2.0
//
// The metadata of hybrids, and how mistakes in it are refused: each names the key and what would be right.
#include <gtest/gtest.h>

#include <cmath>

#include "models/architectures/layer_metadata.hpp"
#include "models/architectures/registry.hpp"
#include "tests/models/model_draft.hpp"

namespace krait {
namespace {

using test::Draft;

constexpr int64_t kWidth = 16, kLayers = 4;

// The keys of a small Granite hybrid with experts. Of tensors there is what is looked at before the metadata are.
Draft granite() {
    const std::string p = "granitehybrid.";
    Draft draft;
    draft.metadata = {{"general.architecture", std::string("granitehybrid")},
                      {p + "embedding_length", uint32_t{kWidth}},
                      {p + "block_count", uint32_t{kLayers}},
                      {p + "feed_forward_length", uint32_t{32}},
                      {p + "attention.head_count", uint32_t{4}},
                      {p + "attention.head_count_kv", GgufArray(std::vector<int32_t>{0, 2, 0, 2})},
                      {p + "ssm.inner_size", uint32_t{32}},
                      {p + "ssm.state_size", uint32_t{8}},
                      {p + "ssm.conv_kernel", uint32_t{4}},
                      {p + "ssm.time_step_rank", uint32_t{4}},
                      {p + "ssm.group_count", uint32_t{2}},
                      {p + "expert_count", uint32_t{8}},
                      {p + "expert_used_count", uint32_t{3}}};
    draft.add_tensor("token_embd.weight", {40, kWidth});
    for (int64_t i = 0; i < kLayers; ++i) draft.add_tensor(layer_prefix(i) + "attn_norm.weight", {kWidth});
    return draft;
}

// The error that it gives.
std::string refusal(const Draft& draft, DType cache = DType::F16) {
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-hybrid-metadata-{}.gguf", getpid());
    draft.write(path);
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);
    if (!file) return file.error().message;
    const auto architecture = create_architecture(*file, known_architectures(), cache);
    return architecture ? "" : architecture.error().message;
}

struct Mistake {
    const char* key;
    GgufValue value;
    std::vector<const char*> words;  // of the message
};

TEST(HybridMetadata, MistakesNameTheKeyAndWhatIsRight) {
    const Mistake mistakes[] = {
        {"attention.head_count_kv", GgufArray(std::vector<int32_t>{0, 2, 0}), {"3 numbers for 4 layers"}},
        {"attention.head_count_kv", GgufArray(std::vector<int32_t>{0, 3, 0, 2}), {"3 in layer 1", "divide the 4 query heads"}},
        {"attention.head_count_kv", GgufArray(std::vector<int32_t>{0, -2, 0, 2}), {"-2 in layer 1"}},
        {"attention.head_count", uint32_t{0}, {"0 in layer 1"}},
        {"attention.scale", std::numeric_limits<float>::quiet_NaN(), {"at byte", "nan is no factor"}},
        {"attention.scale", -1.0f, {"-1 is no factor from", "nor 0, which stands for none"}},
        {"attention.scale", 3e38f, {"no factor"}},
        {"logit_scale", 1e-45f, {"no factor"}},
        {"expert_weights_scale", -1.0f, {"no factor"}},
        {"attention.key_length", uint32_t{0}, {"at byte", "heads of 0 elements"}},
        {"attention.value_length", uint32_t{0}, {"at byte", "heads of 0 elements"}},
        {"attention.layer_norm_rms_epsilon", 1.0f, {"at byte", "is 1; at least 0 and less than 1"}},
        {"block_count", uint32_t{1000000000}, {"at byte", "but the file has 5 tensors"}},
        {"attention.sliding_window", uint32_t{4}, {"at byte", "is 4", "a window alone is not supported"}},
        {"attention.causal", false, {"at byte", "is false", "look both ways"}},
        {"attn_logit_softcapping", 30.0f, {"is 30", "not supported"}},
        {"embedding_multiplier", 0.5f, {"convert the original checkpoint again"}},
        {"ffn_scale", 0.5f, {"at byte", "is 0.5", "no such factor"}},
        {"rope.scale_linear", 4.0f, {"is 4", "'rope.scaling.factor'"}},
        {"rope.dimension_sections",
         GgufArray(std::vector<int32_t>{11, 11, 10, 0}),
         {"at byte", "32 pairs in all; those of the 4 elements that turn, 2, are needed"}},
        {"expert_gating_func", uint32_t{2}, {"at byte", "is 2", "have the gate 1 (softmax)"}},
        {"expert_gating_func", uint32_t{99}, {"is 99", "have the gate 1 (softmax)"}},
        {"expert_weights_norm", false, {"is false", "sum to 1"}},
        {"rope.dimension_count", uint32_t{5}, {"5", "from 2 to the head's 4 elements"}},
        {"rope.dimension_count", uint32_t{6}, {"6", "from 2 to the head's 4 elements"}},
        {"rope.freq_base", -1.0f, {"at byte", "-1 is not from 1 to"}},
        {"rope.freq_base", 1e-45f, {"is not from 1 to"}},
        {"rope.scaling.type", std::string("longrope"), {"'longrope'", "'yarn'"}},
        {"expert_used_count", uint32_t{9}, {"9 experts for each token", "there are 8"}},
        {"expert_used_count", uint32_t{0}, {"expert_used_count"}},
        {"expert_group_count", uint32_t{3}, {"3 groups do not divide the 8 experts"}},
        {"ssm.time_step_rank", uint32_t{5}, {"5 heads; a number that divides the inner size, 32"}},
        {"ssm.group_count", uint32_t{3}, {"3 groups; a number that divides the 4 heads"}},
        {"feed_forward_length", uint32_t{0}, {"feed_forward_length"}},
    };
    for (const Mistake& mistake : mistakes) {
        Draft draft = granite();
        const std::string key = fmt::format("granitehybrid.{}", mistake.key);
        draft.set(key, mistake.value);
        const std::string message = refusal(draft);
        EXPECT_NE(message.find(key), std::string::npos) << key << ": " << message;
        for (const char* word : mistake.words) EXPECT_NE(message.find(word), std::string::npos) << key << ": " << message;
    }
}

TEST(HybridMetadata, WithoutMistakesTheTensorsAreAskedFor) {
    EXPECT_NE(refusal(granite()).find("the tensor 'blk.0.ssm_in.weight' is missing"), std::string::npos) << refusal(granite());
}

TEST(HybridMetadata, BothWaysToNameProjectionsAreRefused) {
    Draft draft = granite();
    draft.add_tensor("blk.1.attn_q.weight", {16, kWidth});
    draft.add_tensor("blk.1.attn_qkv.weight", {32, kWidth});
    const std::string message = refusal(draft);
    EXPECT_NE(message.find("layer 1 has both 'attn_qkv.weight' and 'attn_q.weight'"), std::string::npos) << message;
}

// The same model under another architecture's name.
Draft renamed(const std::string& architecture) {
    Draft draft = granite();
    for (auto& [key, value] : draft.metadata)
        if (key.starts_with("granitehybrid.")) key.replace(0, std::strlen("granitehybrid"), architecture);
    draft.set("general.architecture", architecture);
    return draft;
}

TEST(HybridMetadata, MultipliersThatAreLeftToTheGraphAreRefused) {
    Draft draft = renamed("falcon-h1");
    draft.set("falcon-h1.attention.head_count_kv", uint32_t{2});
    EXPECT_NE(refusal(draft).find("is missing"), std::string::npos) << refusal(draft);
    const std::pair<const char*, GgufValue> multipliers[] = {{"ssm.has_mup", true},
                                                             {"lm_head_multiplier", 0.5f},
                                                             {"key_multiplier", 0.5f},
                                                             {"attention_in_multiplier", 0.5f},
                                                             {"attention_out_multiplier", 0.5f},
                                                             {"ssm_in_multiplier", 0.5f},
                                                             {"ssm_out_multiplier", 0.5f},
                                                             {"mlp_gate_multiplier", 0.5f},
                                                             {"mlp_down_multiplier", 0.5f},
                                                             {"mlp_multipliers", GgufArray(std::vector<float>{1, 0.5f})},
                                                             {"ssm_multipliers", GgufArray(std::vector<float>{1, 0.5f})},
                                                             {"ssm.mup_vec", GgufArray(std::vector<float>{1, 0.5f})},
                                                             {"embedding_multiplier", 0.5f}};
    for (const auto& [name, value] : multipliers) {
        Draft unfolded = draft;
        unfolded.set(fmt::format("falcon-h1.{}", name), value);
        const std::string message = refusal(unfolded);
        EXPECT_NE(message.find(fmt::format("'falcon-h1.{}' at byte", name)), std::string::npos) << message;
        EXPECT_NE(message.find("convert the original checkpoint again"), std::string::npos) << message;
    }
    for (const char* scale : {"embedding_scale", "logit_scale", "residual_scale"}) {  // Granite's
        Draft scaled = draft;
        scaled.set(fmt::format("falcon-h1.{}", scale), 0.5f);
        EXPECT_NE(refusal(scaled).find("the architecture has no such factor"), std::string::npos) << refusal(scaled);
    }
}

TEST(HybridMetadata, SettingsThatChangeNothingAreNoFlaw) {
    Draft draft = granite();
    const std::pair<const char*, GgufValue> settings[] = {
        {"attention.sliding_window", uint32_t{0}},
        {"attention.causal", true},
        {"embedding_multiplier", 1.0f},
        {"ssm.has_mup", false},
        {"ffn_scale", 0.0f},
        {"embedding_scale", 12.0f},
        {"logit_scale", 0.0f},
        {"expert_weights_scale", 1.0f},
        {"expert_weights_norm", true},
        {"expert_gating_func", uint32_t{3}},  // softmax of the chosen experts
        {"rope.dimension_sections", GgufArray(std::vector<int32_t>{1, 1, 0, 0})}};
    for (const auto& [name, value] : settings) draft.set(fmt::format("granitehybrid.{}", name), value);
    EXPECT_NE(refusal(draft).find("the tensor 'blk.0.ssm_in.weight' is missing"), std::string::npos) << refusal(draft);
}

TEST(HybridMetadata, ExpertsOfSigmoidsAreNotOfSoftmax) {
    Draft draft = renamed("lfm2moe");
    draft.set("lfm2moe.shortconv.l_cache", uint32_t{3});
    draft.set("lfm2moe.expert_feed_forward_length", uint32_t{8});
    EXPECT_NE(refusal(draft).find("is missing"), std::string::npos) << refusal(draft);
    draft.set("lfm2moe.expert_gating_func", uint32_t{1});
    EXPECT_NE(refusal(draft).find("have the gate 2 (sigmoid)"), std::string::npos) << refusal(draft);
}

TEST(HybridMetadata, ALayerOfNemotronIsOneOfBoth) {
    Draft draft = renamed("nemotron_h");
    const std::string message = refusal(draft);  // a network in each layer, and attention in two of them
    EXPECT_NE(message.find("'nemotron_h.attention.head_count_kv' at byte"), std::string::npos) << message;
    EXPECT_NE(message.find("2 in layer 1, of which 'nemotron_h.feed_forward_length' says 32"), std::string::npos) << message;
}

TEST(HybridMetadata, AScaledRopeNeedsItsFactor) {
    for (const char* type : {"linear", "yarn"}) {
        Draft draft = granite();
        draft.set("granitehybrid.rope.scaling.type", std::string(type));
        draft.set("granitehybrid.rope.scaling.original_context_length", uint32_t{4096});
        EXPECT_NE(refusal(draft).find("'granitehybrid.rope.scaling.factor' is absent"), std::string::npos) << refusal(draft);
        draft.set("granitehybrid.rope.scaling.factor", 1e-45f);
        EXPECT_NE(refusal(draft).find("'granitehybrid.rope.scaling.factor' at byte"), std::string::npos) << refusal(draft);
        draft.set("granitehybrid.rope.scaling.factor", 4.0f);
        EXPECT_NE(refusal(draft).find("is missing"), std::string::npos) << refusal(draft);
    }
}

TEST(HybridMetadata, ExpertsInOneTensorAreNamed) {
    Draft draft = granite();
    draft.add_tensor("blk.2.ffn_gate_up_exps.weight", {8, 64, kWidth});
    const std::string message = refusal(draft);
    EXPECT_NE(message.find("tensor 'blk.2.ffn_gate_up_exps.weight'"), std::string::npos) << message;
    EXPECT_NE(message.find("'ffn_gate_exps.weight' and 'ffn_up_exps.weight' are read"), std::string::npos) << message;
}

TEST(HybridMetadata, CachesThatDoNotFitAreRefusedOrWider) {
    const auto with_heads = [](uint32_t k_dim, uint32_t v_dim) {
        Draft draft = granite();
        draft.set("granitehybrid.rope.scaling.finetuned", false);
        draft.set("granitehybrid.attention.key_length", k_dim);
        draft.set("granitehybrid.attention.value_length", v_dim);
        return draft;
    };
    const std::string fits = refusal(with_heads(64, 32), DType::Q8_0);
    EXPECT_NE(fits.find("is missing"), std::string::npos) << fits;
    const std::string halves = refusal(with_heads(16, 16), DType::Q8_0);  // two heads are a block, but each begins in one
    EXPECT_NE(halves.find("layer 1 keeps 2 keys of 16"), std::string::npos) << halves;
    const std::string message = refusal(granite(), DType::Q8_0);
    EXPECT_NE(message.find("layer 1 keeps 2 keys of 4 and values of 4 elements"), std::string::npos) << message;
    EXPECT_NE(message.find("multiples of 32 elements, and of 64 for all heads together"), std::string::npos) << message;
    EXPECT_NE(message.find("--cache-type f32"), std::string::npos) << message;

    Draft draft = granite();
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-cache-{}.gguf", getpid());
    draft.write(path);
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(file) << file.error().message;
    auto shape = read_shape(*file, "granitehybrid");
    ASSERT_TRUE(shape) << shape.error().message;
    shape->cache = DType::F16;
    EXPECT_EQ(LayerMetadata(*file, *shape).attention(1, 4, 2)->cache, DType::F16);
    shape->d_model = 5;  // one head of 5
    EXPECT_EQ(LayerMetadata(*file, *shape).attention(1, 1, 1)->cache, DType::F32);
}

// Peng et al. 2023: with 64 rotating elements, base 10000 and an original context of 4096, pairs turn 32 times and more up to
// 32 * ln(4096 / (32 * 2 pi)) / ln(10000) = 10.5, and less than once from 22.5 on.
TEST(HybridMetadata, YarnIsARampOverThePairs) {
    Draft draft = granite();
    draft.set("granitehybrid.attention.key_length", uint32_t{64});
    draft.set("granitehybrid.rope.scaling.type", std::string("yarn"));
    draft.set("granitehybrid.rope.scaling.factor", 4.0f);
    draft.set("granitehybrid.rope.scaling.original_context_length", uint32_t{4096});
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-yarn-{}.gguf", getpid());
    draft.write(path);
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(file) << file.error().message;
    const auto shape = read_shape(*file, "granitehybrid");
    ASSERT_TRUE(shape) << shape.error().message;
    const auto rope = LayerMetadata(*file, *shape).rope(64, ops::RopePairing::halves);
    ASSERT_TRUE(rope) << rope.error().message;
    EXPECT_EQ(rope->scale, 0.25f);
    EXPECT_EQ(rope->ramp_low, 10.0f);
    EXPECT_EQ(rope->ramp_high, 23.0f);
    EXPECT_NEAR(rope->magnitude, 1 + 0.1 * std::log(4.0), 1e-6);
}

}  // namespace
}  // namespace krait
