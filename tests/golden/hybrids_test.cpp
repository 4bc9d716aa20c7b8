// SPDX-License-Identifier: Apache-2.0
//
// Hybrids from Hugging Face folders against logits of transformers in float64 (make_hybrid_golden.py): prompts whole, in
// chunks, token by token, and beside others. Keys and values are kept as F32, as transformers has them.
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

using HybridCase = std::tuple<std::string, std::string>;  // folder, device

// The error of correct float32 arithmetic is below 1e-11; a wrong term anywhere is above 1e-6.
constexpr double kTolerance = 1e-9;

class Hybrids : public testing::TestWithParam<HybridCase> {
  protected:
    void SetUp() override {
        const auto& [name, device] = GetParam();
        const std::string folder = fmt::format("{}/hybrids/{}", test::kGoldenFolder, name);
        auto model = Model::load(folder, {.device = device, .cache = DType::F32});
        if (!model && model.error().code == ErrorCode::unavailable) GTEST_SKIP() << model.error().message;
        ASSERT_TRUE(model) << model.error().message;
        model_ = *model;
        tokens_ = test::read_npy<int32_t>(folder + "/tokens.npy");
        std::vector<int64_t> shape;
        expected_ = test::read_npy<double>(folder + "/logits.npy", &shape);
        ASSERT_EQ(shape, (std::vector<int64_t>{static_cast<int64_t>(tokens_.size()), model_->shape().n_vocab}));
    }

    // The logits of all tokens, read in chunks of so many, each beside a chunk of another text.
    std::vector<float> logits(size_t chunk, bool beside_another = false) const {
        auto session = Session::create(model_, {.max_sequences = 2});
        EXPECT_TRUE(session) << session.error().message;
        std::vector<float> logits;
        for (size_t first = 0; first < tokens_.size(); first += chunk) {
            const auto part = std::span(tokens_).subspan(first, std::min(chunk, tokens_.size() - first));
            std::vector<SequenceInput> batch{{.sequence = 0, .tokens = part, .want = WantLogits::all}};
            const auto other = std::span(tokens_).last(std::min(tokens_.size(), first % 5 + 1));
            if (beside_another) batch.insert(batch.begin(), {.sequence = 1, .tokens = other});
            const auto decoded = session->decode(batch);
            EXPECT_TRUE(decoded) << decoded.error().message;
            if (!decoded) return {};
            for (size_t row = 0; row < part.size(); ++row) {
                const auto values = session->logits(batch.size() - 1, row);
                logits.insert(logits.end(), values.begin(), values.end());
            }
        }
        return logits;
    }

    std::shared_ptr<const Model> model_;
    std::vector<int32_t> tokens_;
    std::vector<double> expected_;
};

TEST_P(Hybrids, MatchTransformers) {
    const auto whole = logits(tokens_.size());
    EXPECT_LE(test::nmse(whole, expected_), kTolerance);
    const bool same_bits = std::get<1>(GetParam()).starts_with("cpu");  // on a CPU a token's bits do not depend on its run
    for (const auto& [chunk, beside_another] : {std::pair<size_t, bool>{1, false}, {5, false}, {1, true}, {7, true}}) {
        SCOPED_TRACE(fmt::format("chunks of {}{}", chunk, beside_another ? " beside another text" : ""));
        const auto in_chunks = logits(chunk, beside_another);
        EXPECT_LE(test::nmse(in_chunks, expected_), kTolerance);
        if (same_bits) {
            EXPECT_EQ(in_chunks, whole);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Folders, Hybrids,
    testing::Combine(testing::Values("bamba", "falcon_h1", "falcon_h1_plain_tied", "granite_dense_rope", "granite_moe_nope",
                                     "jamba_dense", "jamba_moe", "lfm2", "lfm2_moe", "nemotron_h", "nemotron_h_moe",
                                     "nemotron_h_moe_latent", "zamba2", "zamba2_plain"),
                     testing::ValuesIn(test::model_devices())),
    [](const auto& tested) { return test::as_identifier(std::get<0>(tested.param) + "_" + std::get<1>(tested.param)); });

}  // namespace
}  // namespace krait
