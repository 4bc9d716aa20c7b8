// SPDX-License-Identifier: Apache-2.0
//
// The recipe: which format each kind of tensor gets.
#include "models/quantize/recipe.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace krait {
namespace {

struct Case {
    DType body;
    const char* name;
    std::vector<int64_t> extents;
    DType expected;
};
void PrintTo(const Case& c, std::ostream* out) { *out << dtype_name(c.body) << " " << c.name; }

class RecipeChoice : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Tied, RecipeChoice,
                         testing::Values(Case{DType::Q4_K, "blk.0.ssm_in.weight", {3072, 768}, DType::Q4_K},
                                         Case{DType::Q4_K, "blk.11.ssm_out.weight", {768, 1536}, DType::Q4_K},
                                         // Read in F32 by every kernel.
                                         Case{DType::Q4_K, "blk.0.ssm_conv1d.weight", {1536, 4}, DType::F32},
                                         Case{DType::F16, "blk.0.ssm_conv1d.weight", {1536, 4}, DType::F32},
                                         Case{DType::Q4_K, "blk.0.ssm_conv1d.bias", {1536}, DType::F32},
                                         Case{DType::BF16, "blk.0.ssm_a", {1536, 16}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.ssm_a", {1536, 256}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.ssm_d", {24, 1}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.ssm_dt.bias", {1536}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.attn_norm.weight", {768}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.ssm_norm.weight", {8, 256}, DType::F32},
                                         Case{DType::Q8_0, "output_norm.weight", {768}, DType::F32},
                                         // Small and sensitive.
                                         Case{DType::Q2_K, "blk.0.ssm_x.weight", {80, 1536}, DType::Q8_0},
                                         Case{DType::F16, "blk.0.ssm_x.weight", {80, 1536}, DType::F16},
                                         Case{DType::Q4_0, "blk.0.ssm_dt.weight", {2048, 64}, DType::Q8_0},
                                         Case{DType::Q4_0, "blk.0.ssm_dt.weight", {1536, 48}, DType::F16},
                                         Case{DType::BF16, "blk.0.ssm_dt.weight", {1536, 48}, DType::BF16},
                                         // The head is the embedding.
                                         Case{DType::Q4_K, "token_embd.weight", {50280, 768}, DType::Q6_K},
                                         Case{DType::Q4_0, "token_embd.weight", {50280, 96}, DType::Q8_0},
                                         Case{DType::Q8_0, "token_embd.weight", {50280, 768}, DType::Q8_0},
                                         Case{DType::F32, "token_embd.weight", {50280, 768}, DType::F32},
                                         // Those of all experts; the router that chooses them, and a short convolution.
                                         Case{DType::Q4_K, "blk.0.ffn_up_exps.weight", {64, 512, 1536}, DType::Q4_K},
                                         Case{DType::Q4_K, "blk.0.ffn_down_exps.weight", {64, 1536, 96}, DType::Q5_0},
                                         Case{DType::Q8_0, "blk.0.ffn_gate_inp.weight", {64, 1536}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.exp_probs_b.bias", {64}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.shortconv.conv.weight", {1024, 3}, DType::F32},
                                         Case{DType::Q8_0, "blk.0.shortconv.in_proj.weight", {3072, 1024}, DType::Q8_0},
                                         // A matrix of another architecture is a matrix all the same.
                                         Case{DType::Q5_K, "blk.0.attn_q.weight", {512, 512}, DType::Q5_K},
                                         // Rows that are no whole blocks.
                                         Case{DType::Q2_K, "blk.0.ssm_in.weight", {8, 96}, DType::IQ4_NL},
                                         Case{DType::Q3_K, "blk.0.ssm_in.weight", {8, 96}, DType::IQ4_NL},
                                         Case{DType::IQ4_XS, "blk.0.ssm_in.weight", {8, 96}, DType::IQ4_NL},
                                         Case{DType::Q4_K, "blk.0.ssm_in.weight", {8, 96}, DType::Q5_0},
                                         Case{DType::Q5_K, "blk.0.ssm_in.weight", {8, 96}, DType::Q5_1},
                                         Case{DType::Q6_K, "blk.0.ssm_in.weight", {8, 96}, DType::Q8_0},
                                         Case{DType::Q4_K, "blk.0.ssm_in.weight", {8, 100}, DType::F16},
                                         Case{DType::Q4_1, "blk.0.ssm_in.weight", {8, 1}, DType::F16}));

TEST_P(RecipeChoice, IsAsTheTableSays) {
    const Case& c = GetParam();
    const FormatChoice choice = QuantizeRecipe({.body = c.body}, true).choose(c.name, c.extents);
    EXPECT_STREQ(dtype_name(choice.dtype), dtype_name(c.expected)) << choice.why;
    EXPECT_FALSE(choice.why.empty());
}

TEST(Recipe, AHeadOfItsOwnFreesTheEmbedding) {
    const QuantizeRecipe recipe({.body = DType::Q4_K}, false);
    const std::vector<int64_t> extents = {1000, 256};
    EXPECT_EQ(recipe.choose("token_embd.weight", extents).dtype, DType::Q4_K);
    EXPECT_EQ(recipe.choose("output.weight", extents).dtype, DType::Q6_K);
}

TEST(Recipe, WhatIsAskedForCounts) {
    const std::vector<int64_t> extents = {1000, 256};
    const QuantizeRecipe headed({.body = DType::Q8_0, .head = DType::Q4_K}, true);
    EXPECT_EQ(headed.choose("token_embd.weight", extents).dtype, DType::Q4_K);
    EXPECT_EQ(headed.choose("blk.0.ssm_in.weight", extents).dtype, DType::Q8_0);
    const QuantizeRecipe pure({.body = DType::Q2_K, .pure = true}, true);
    for (const char* name : {"token_embd.weight", "blk.0.ssm_x.weight", "blk.0.ssm_out.weight"})
        EXPECT_EQ(pure.choose(name, extents).dtype, DType::Q2_K) << name;
    EXPECT_EQ(pure.choose("blk.0.ssm_dt.weight", std::vector<int64_t>{512, 48}).dtype, DType::F16);
    EXPECT_EQ(pure.choose("blk.0.ssm_a", extents).dtype, DType::F32);
}

TEST(Recipe, NoRowIsTooOdd) {
    for (const DTypeInfo& info : kDTypes)
        for (int64_t width = 1; info.is_weight_format && width <= 600; ++width) {
            const DType fitting = format_for_rows(info.dtype, width);
            EXPECT_EQ(width % dtype_info(fitting).block_elems, 0) << info.name << " " << width;
            EXPECT_EQ(fitting == info.dtype, width % info.block_elems == 0) << info.name << " " << width;
            // Never worse than what was asked for.
            EXPECT_GE(dtype_info(fitting).block_bytes * info.block_elems, info.block_bytes * dtype_info(fitting).block_elems);
        }
}

// The file type of a small model whose tensors the recipe chooses.
uint32_t file_type_of(const QuantizeScheme& scheme, int64_t width = 256) {
    const QuantizeRecipe recipe(scheme, true);
    FileType type;
    const auto add = [&](const char* name, const std::vector<int64_t>& extents) {
        type.add(name, make_desc(recipe.choose(name, extents).dtype, extents));
    };
    add("token_embd.weight", {300, width});
    for (const char* layer : {"blk.0.", "blk.1."}) {
        add((layer + std::string("attn_norm.weight")).c_str(), {width});
        add((layer + std::string("ssm_in.weight")).c_str(), {4 * width, width});
        add((layer + std::string("ssm_out.weight")).c_str(), {width, 2 * width});
    }
    return type.number();
}

TEST(Recipe, EveryFormatHasAFileTypeOfItsOwn) {
    std::set<uint32_t> seen;
    for (const DTypeInfo& info : kDTypes)
        if (info.is_weight_format && !seen.insert(file_type_of({.body = info.dtype})).second) ADD_FAILURE() << info.name;
    EXPECT_EQ(file_type_of({.body = DType::Q8_0}), 7u);
    EXPECT_EQ(FileType().number(), 0u);
}

TEST(Recipe, TheFileTypeIsThatOfWhatIsInTheFile) {
    EXPECT_EQ(file_type_of(parse_quantize_type("q4_k_m").value()), 15u);
    EXPECT_EQ(file_type_of(parse_quantize_type("q4_k").value()), 14u);
    EXPECT_EQ(file_type_of({.body = DType::Q4_K, .out = DType::Q5_K, .pure = true}), 14u);
    // Rows of 96 are no blocks of 256: Q5_0, and ssm_out, of 192, too.
    EXPECT_EQ(file_type_of(parse_quantize_type("q4_k").value(), 96), 8u);
    EXPECT_EQ(file_type_of(parse_quantize_type("q4_k").value(), 100), 1u);
}

TEST(Recipe, TheWordsOfACommand) {
    const auto pure = parse_quantize_scheme("q4_k", "q8_0", true);
    ASSERT_TRUE(pure) << pure.error().message;
    const QuantizeRecipe recipe(*pure, true);
    const std::vector<int64_t> extents = {1000, 256};
    EXPECT_EQ(recipe.choose("token_embd.weight", extents).dtype, DType::Q8_0);
    EXPECT_EQ(recipe.choose("blk.0.ssm_x.weight", extents).dtype, DType::Q4_K);
    EXPECT_TRUE(parse_quantize_scheme("q4_k_s", "", true));
    const auto mix = parse_quantize_scheme("q4_k_m", "", true);
    ASSERT_FALSE(mix);
    EXPECT_EQ(mix.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(mix.error().message.find("Q4_K_M is a mix of Q4_K and Q5_K"), std::string::npos) << mix.error().message;
    EXPECT_FALSE(parse_quantize_scheme("q4_k", "q9", false));
}

TEST(Recipe, NamesOfFormats) {
    EXPECT_EQ(parse_weight_format("q4_k").value(), DType::Q4_K);
    EXPECT_EQ(parse_weight_format("IQ4_XS").value(), DType::IQ4_XS);
    for (const char* name : {"q9", "", "_", "i32", "I32", "q4_k_m_m"}) {
        const auto dtype = parse_weight_format(name);
        ASSERT_FALSE(dtype) << name;
        EXPECT_EQ(dtype.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(dtype.error().message.find("Q8_0, Q4_0"), std::string::npos) << dtype.error().message;
        EXPECT_EQ(dtype.error().message.find("I32,"), std::string::npos);
    }
}

TEST(Recipe, MixesGiveTheOutProjectionMore) {
    const std::vector<int64_t> extents = {768, 1536};
    const auto scheme = parse_quantize_type("q4_k_m");
    ASSERT_TRUE(scheme) << scheme.error().message;
    const QuantizeRecipe mix(*scheme, true);
    EXPECT_EQ(mix.choose("blk.0.ssm_out.weight", extents).dtype, DType::Q5_K);
    EXPECT_EQ(mix.choose("blk.0.ssm_in.weight", extents).dtype, DType::Q4_K);
    EXPECT_EQ(QuantizeRecipe(parse_quantize_type("Q4_K_S").value(), true).choose("blk.0.ssm_out.weight", extents).dtype,
              DType::Q4_K);
    EXPECT_EQ(parse_quantize_type("q5_k_m")->out, DType::Q6_K);
    EXPECT_EQ(parse_quantize_type("q5_k")->out, std::nullopt);
    for (const char* name : {"q4_0_m", "q6_k_m", "q4_k_l", "m"}) {
        const auto none = parse_quantize_type(name);
        ASSERT_FALSE(none) << name;
        EXPECT_NE(none.error().message.find("Q4_K_M"), std::string::npos) << none.error().message;
    }
}

TEST(Recipe, KindIsWhatLayersShare) {
    EXPECT_EQ(tensor_kind("blk.3.ssm_in.weight"), "ssm_in.weight");
    EXPECT_EQ(tensor_kind("output.weight"), "output.weight");
    EXPECT_EQ(tensor_kind("blk."), "blk.");
    EXPECT_EQ(tensor_kind("blk.3"), "blk.3");
}

}  // namespace
}  // namespace krait
