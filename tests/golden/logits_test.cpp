// SPDX-License-Identifier: Apache-2.0
//
// Whole models against logits that transformers and a plain float64 loop agree on (make_golden.py, README.md).
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

using GoldenCase = std::tuple<std::string, std::string>;  // model, device

class GoldenLogits : public testing::TestWithParam<GoldenCase> {};

TEST_P(GoldenLogits, Match) {
    const auto& [name, device] = GetParam();
    const std::string base = std::string(test::kGoldenFolder) + "/" + name;
    auto model = Model::load(base + ".gguf", {.device = device});
    if (!model && model.error().code == ErrorCode::unavailable) GTEST_SKIP() << model.error().message;
    ASSERT_TRUE(model) << model.error().message;
    const auto tokens = test::read_npy<int32_t>(base + ".tokens.npy");
    std::vector<int64_t> shape;
    const auto expected = test::read_npy<double>(base + ".logits.npy", &shape);
    ASSERT_EQ(shape, (std::vector<int64_t>{static_cast<int64_t>(tokens.size()), (*model)->shape().n_vocab}));

    auto session = Session::create(*model);
    ASSERT_TRUE(session) << session.error().message;
    const auto decoded = session->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::all}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    std::vector<float> logits;
    for (size_t row = 0; row < tokens.size(); ++row) {
        const auto values = session->logits(0, row);
        logits.insert(logits.end(), values.begin(), values.end());
    }
    // The error of correct float32 arithmetic is below 1e-11 (README.md); a wrong term anywhere is above 1e-6.
    EXPECT_LE(test::nmse(logits, expected), 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits,
                         testing::Combine(testing::Values("mamba", "falcon_mamba", "mamba2", "mamba_biases", "mamba2_biases"),
                                          testing::ValuesIn(test::model_devices())),
                         [](const auto& tested) {
                             return test::as_identifier(std::get<0>(tested.param) + "_" + std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace krait
