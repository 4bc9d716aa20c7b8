// SPDX-License-Identifier: Apache-2.0
//
// Random models of hybrids: they have the published sizes, become smaller as asked, load and run with ordinary numbers.
#include <cmath>

#include "formats/gguf/gguf_reader.hpp"
#include "tests/models/random_model_fixture.hpp"

namespace krait {
namespace {

constexpr const char* kNames[] = {"granite-4.0-h-350m", "granite-4.0-h-1b",   "granite-4.0-h-tiny", "nemotron-nano-9b-v2",
                                  "falcon-h1-0.5b",     "jamba-reasoning-3b", "lfm2-350m"};

class RandomHybrid : public RandomModelFixture, public testing::WithParamInterface<const char*> {
  protected:
    static RandomModelSizes small(const char* like) {
        auto sizes = published_sizes(like);
        EXPECT_TRUE(sizes) << sizes.error().message;
        sizes->set_d_model(128);
        sizes->set_n_layer(4);
        sizes->n_vocab = 300;
        if (sizes->hybrid->size("expert_count") > 0) sizes->hybrid->sizes["expert_count"] = 8;
        return *sizes;
    }
};

INSTANTIATE_TEST_SUITE_P(Families, RandomHybrid, testing::ValuesIn(kNames), [](const auto& test) {
    std::string name = test.param;
    std::ranges::replace_if(
        name, [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
});

TEST_P(RandomHybrid, LogitsAreOfOrdinarySize) {
    const RandomModelSizes sizes = small(GetParam());
    for (const DType format : {DType::F32, DType::Q8_0}) {
        const auto path = write("m.gguf", {.sizes = sizes, .scheme = {.body = format}});
        const std::vector<float> logits = last_logits(path, counting_tokens(20, 300), "reference");
        ASSERT_EQ(logits.size(), 300u);
        double squares = 0;
        for (const float logit : logits) {
            ASSERT_TRUE(std::isfinite(logit));
            squares += static_cast<double>(logit * logit);
        }
        // Rows of deviation 0.02 against a normed vector of 128, divided by Granite's scale.
        const auto scale = sizes.hybrid->numbers.find("logit_scale");
        const double divisor = scale == sizes.hybrid->numbers.end() ? 1 : static_cast<double>(scale->second);
        EXPECT_NEAR(std::sqrt(squares / 300) * divisor, 0.02 * std::sqrt(128.0), 0.12) << dtype_name(format);
    }
}

TEST_P(RandomHybrid, SmallerOnesHaveLayersOfAllKinds) {
    const auto whole = published_sizes(GetParam());
    ASSERT_TRUE(whole);
    // With fewer layers than kinds there is a recurrent one.
    for (const int64_t n : {1, 2}) {
        RandomModelSizes sizes = *whole;
        sizes.set_n_layer(n);
        EXPECT_EQ(std::ssize(sizes.hybrid->layers), n);
        EXPECT_NE(sizes.hybrid->layers.find_first_of("MHC"), std::string::npos) << sizes.hybrid->layers;
    }
    for (const int64_t n : {4, 7, 9}) {
        RandomModelSizes sizes = *whole;
        sizes.set_n_layer(n);
        EXPECT_EQ(std::ssize(sizes.hybrid->layers), n);
        for (const char kind : whole->hybrid->layers)
            EXPECT_NE(sizes.hybrid->layers.find(kind), std::string::npos) << kind << n;
    }
}

TEST(RandomHybridSizes, PublishedSizesHaveThePublishedNumberOfWeights) {
    // Millions of weights of the checkpoints that their authors published.
    const std::pair<const char*, double> kMillions[] = {{"granite-4.0-h-350m", 340},
                                                        {"granite-4.0-h-1b", 1461},
                                                        {"granite-4.0-h-tiny", 6938},
                                                        {"nemotron-nano-9b-v2", 8888},
                                                        {"falcon-h1-0.5b", 521},
                                                        {"jamba-reasoning-3b", 3029},
                                                        {"lfm2-350m", 354}};
    for (const auto& [name, millions] : kMillions) {
        const auto sizes = published_sizes(name);
        ASSERT_TRUE(sizes) << sizes.error().message;
        EXPECT_NEAR(static_cast<double>(count_weights(*sizes)) * 1e-6, millions, 0.002 * millions) << name;
    }
}

TEST_F(RandomModelFixture, ImpossibleHybridsAreExplained) {
    auto sizes = *published_sizes("granite-4.0-h-tiny");
    sizes.hybrid->sizes["expert_used_count"] = 65;
    const auto report = write_random_model(folder_ / "bad.gguf", {.sizes = sizes});
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().message.find("65 experts for each token, but there are 64"), std::string::npos)
        << report.error().message;
    EXPECT_TRUE(names_in_folder().empty());
}

}  // namespace
}  // namespace krait
