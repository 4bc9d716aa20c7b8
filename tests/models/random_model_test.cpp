// SPDX-License-Identifier: Apache-2.0
//
// Random models: they load, run with ordinary numbers, follow from their seed, and have the published sizes.
#include <cmath>

#include "formats/gguf/gguf_reader.hpp"
#include "tests/models/random_model_fixture.hpp"

namespace krait {
namespace {

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

class RandomModel : public RandomModelFixture {};
class RandomModelLike : public RandomModelFixture, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, RandomModelLike, testing::Values("mamba-130m", "falcon-mamba-7b", "mamba2-130m"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::erase(name, '-');
                             return name;
                         });

TEST_P(RandomModelLike, LogitsAreOfOrdinarySizeOverALongRun) {
    const RandomModelSizes sizes = tiny(GetParam());
    const auto path = write("m.gguf", {.sizes = sizes});
    for (const int32_t n : {1, 16, 2000}) {
        const std::vector<float> logits = last_logits(path, counting_tokens(n, 300));
        ASSERT_EQ(logits.size(), 300u);
        double squares = 0;
        for (const float logit : logits) {
            ASSERT_TRUE(std::isfinite(logit)) << n;
            squares += static_cast<double>(logit * logit);
        }
        // Rows of deviation 0.02 against a normed vector of 256.
        EXPECT_NEAR(std::sqrt(squares / 300), 0.02 * 16, 0.15) << n;
    }
}

TEST_P(RandomModelLike, OtherTokensBeforeChangeTheLogits) {
    const auto path = write("m.gguf", {.sizes = tiny(GetParam())});
    std::vector<int32_t> tokens = counting_tokens(20, 300);
    const std::vector<float> one = last_logits(path, tokens);
    tokens[10] = 5;  // beyond the reach of the convolutions: only the state can tell
    const std::vector<float> other = last_logits(path, tokens);
    double difference = 0;
    for (size_t i = 0; i < one.size(); ++i) difference += std::fabs(static_cast<double>(one[i] - other[i]));
    EXPECT_GT(difference / static_cast<double>(one.size()), 1e-5);
}

TEST_P(RandomModelLike, BiasesOfProjectionsCountInEveryFormat) {
    RandomModelSizes sizes = tiny(GetParam());
    const int64_t without = count_weights(sizes);
    const std::vector<int32_t> tokens = counting_tokens(20, 300);
    const auto difference = [](std::span<const float> got, std::span<const float> want) {
        double error = 0, square = 0;
        for (size_t i = 0; i < want.size(); ++i) {
            error += std::pow(static_cast<double>(got[i] - want[i]), 2);
            square += std::pow(static_cast<double>(want[i]), 2);
        }
        return error / square;
    };
    for (const DType format : {DType::F32, DType::F16, DType::Q8_0, DType::Q4_K}) {
        sizes.projection_biases = false;
        const std::vector<float> plain = last_logits(write("plain.gguf", {.sizes = sizes, .scheme = {.body = format}}), tokens);
        sizes.projection_biases = true;
        const auto path = write("biases.gguf", {.sizes = sizes, .scheme = {.body = format}});
        const std::vector<float> biased = last_logits(path, tokens);
        EXPECT_GT(difference(biased, plain), 1e-3) << dtype_name(format);
        // Activations are rounded to int8 beside quantized weights.
        EXPECT_LT(difference(biased, last_logits(path, tokens, "reference")), 2e-3) << dtype_name(format);
        auto file = GgufFile::open(path);
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->find_tensor("blk.1.ssm_in.bias")->dtype(), DType::F32);
        EXPECT_EQ(file->find_tensor("blk.1.ssm_out.bias")->dtype(), DType::F32);
    }
    const int64_t d_in =
        sizes.architecture == "mamba2" ? 2 * sizes.d_inner + 2 * sizes.d_state + sizes.n_head : 2 * sizes.d_inner;
    EXPECT_EQ(count_weights(sizes) - without, 2 * (d_in + sizes.d_model));
}

TEST_P(RandomModelLike, HasATokenizerForAnyText) {
    auto model = Model::load(write("m.gguf", {.sizes = tiny(GetParam())}), {.device = "cpu"});
    ASSERT_TRUE(model) << model.error().message;
    const auto tokenizer = (*model)->tokenizer();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    const std::string text = "a sea of \xC3\xBC\n1";
    const auto tokens = (*tokenizer)->encode(text);
    ASSERT_TRUE(tokens) << tokens.error().message;
    EXPECT_LT(tokens->size(), text.size());  // merges are used
    const auto back = (*tokenizer)->decode(*tokens);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, text);
}

TEST_F(RandomModel, TheSameSeedGivesTheSameFileWhateverTheThreads) {
    const RandomModelSizes sizes = tiny("mamba-130m");
    const auto open = [&](const char* name, uint64_t seed, int threads) {
        auto file =
            GgufFile::open(write(name, {.sizes = sizes, .scheme = {.body = DType::Q4_K}, .seed = seed, .threads = threads}));
        EXPECT_TRUE(file) << file.error().message;
        return std::move(*file);
    };
    const GgufFile one = open("a", 1, 1), again = open("b", 1, 3), other = open("c", 2, 1);
    EXPECT_TRUE(same_bytes(one.bytes(), again.bytes()));
    for (const GgufTensor& tensor : one.tensors()) {
        const bool is_law = tensor.name.ends_with("ssm_a") || tensor.name.ends_with("ssm_d");
        EXPECT_EQ(same_bytes(tensor.bytes, other.find_tensor(tensor.name)->bytes), is_law) << tensor.name;
    }
    const auto rows = one.find_tensor("blk.0.ssm_in.weight")->bytes;
    EXPECT_FALSE(same_bytes(rows.first(144), rows.subspan(144, 144)));
    EXPECT_FALSE(same_bytes(rows, one.find_tensor("blk.1.ssm_in.weight")->bytes));
}

TEST_F(RandomModel, PublishedSizesHaveThePublishedNumberOfWeights) {
    // Millions of weights of the checkpoints that their authors published.
    const std::pair<const char*, double> kMillions[] = {
        {"mamba-130m", 129.1},  {"mamba-370m", 371.5},       {"mamba-790m", 793.2},  {"mamba-1.4b", 1372.2},
        {"mamba-2.8b", 2768.3}, {"falcon-mamba-7b", 7272.7}, {"mamba2-130m", 128.9}, {"mamba2-2.7b", 2702.0}};
    for (const auto& [name, millions] : kMillions) {
        const auto sizes = published_sizes(name);
        ASSERT_TRUE(sizes) << sizes.error().message;
        const auto n_weight = count_weights(*sizes);
        EXPECT_NEAR(static_cast<double>(n_weight) * 1e-6, millions, 0.002 * millions) << name;
    }
}

TEST_F(RandomModel, UnknownNamesAndImpossibleSizesAreExplained) {
    const auto unknown = published_sizes("mamba-3b");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().message.find("mamba-2.8b"), std::string::npos) << unknown.error().message;

    const auto expect = [&](RandomModelSizes sizes, const char* words) {
        const auto report = write_random_model(folder_ / "bad.gguf", {.sizes = sizes});
        ASSERT_FALSE(report) << words;
        EXPECT_EQ(report.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(report.error().message.find(words), std::string::npos) << report.error().message;
    };
    RandomModelSizes sizes = tiny("mamba-130m");
    sizes.n_vocab = 257;
    expect(sizes, "vocab is 257: 258 to");
    sizes = tiny("mamba-130m");
    sizes.n_layer = 0;
    expect(sizes, "layers is 0");
    sizes = tiny("mamba2-130m");
    sizes.n_head = 7;
    expect(sizes, "7 heads do not divide");
    sizes.n_head = 8;
    sizes.n_group = 3;
    expect(sizes, "3 groups");
    EXPECT_TRUE(names_in_folder().empty());
}

}  // namespace
}  // namespace krait
