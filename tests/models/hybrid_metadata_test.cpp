// SPDX-License-Identifier: Apache-2.0
//
// What the metadata of hybrids says, and how mistakes in it are refused: each names the key and what would be right.
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

// What is wrong with it.
std::string refusal(const Draft& draft) {
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-hybrid-metadata-{}.gguf", getpid());
    draft.write(path);
    const auto file = GgufFile::open(path);
    std::filesystem::remove(path);
    if (!file) return file.error().message;
    const auto architecture = create_architecture(*file);
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
        {"attention.scale", std::numeric_limits<float>::quiet_NaN(), {"no finite number"}},
        {"rope.dimension_count", uint32_t{5}, {"5", "from 2 to the head's 4 elements"}},
        {"rope.dimension_count", uint32_t{6}, {"6", "from 2 to the head's 4 elements"}},
        {"rope.freq_base", -1.0f, {"above 0"}},
        {"rope.scaling.type", std::string("longrope"), {"'longrope'", "'yarn'"}},
        {"expert_used_count", uint32_t{9}, {"9 experts for each token", "there are 8"}},
        {"expert_used_count", uint32_t{0}, {"expert_used_count"}},
        {"expert_group_count", uint32_t{3}, {"3 groups do not divide the 8 experts"}},
        {"ssm.time_step_rank", uint32_t{5}, {"heads must divide the inner size, 32"}},
        {"ssm.group_count", uint32_t{3}, {"groups must divide the 4 heads"}},
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

TEST(HybridMetadata, MultipliersThatAreLeftToTheGraphAreRefused) {
    Draft draft = granite();
    for (auto& [key, value] : draft.metadata)
        if (key.starts_with("granitehybrid.")) key.replace(0, std::strlen("granitehybrid"), "falcon-h1");
    draft.set("general.architecture", std::string("falcon-h1"));
    draft.set("falcon-h1.attention.head_count_kv", uint32_t{2});
    EXPECT_NE(refusal(draft).find("is missing"), std::string::npos) << refusal(draft);
    draft.set("falcon-h1.ssm.has_mup", true);
    const std::string message = refusal(draft);
    EXPECT_NE(message.find("'falcon-h1.ssm.has_mup'"), std::string::npos) << message;
    EXPECT_NE(message.find("convert the original checkpoint again"), std::string::npos) << message;
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
