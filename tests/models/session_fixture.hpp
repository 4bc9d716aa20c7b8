// SPDX-License-Identifier: Apache-2.0
//
// Parts that the tests of sessions share: a golden model on a device, and the results of a sequence that is alone.
#pragma once

#include <random>

#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"

namespace krait {

using SessionCase = std::tuple<std::string, std::string>;  // model, device

// A GGUF file, or a folder of hybrids/.
inline std::string golden_model(const std::string& name) {
    return "tests/golden/" + name + (name.starts_with("hybrids/") ? "" : ".gguf");
}

// Keys and values as F32: with others the tolerance would be theirs.
inline Result<std::shared_ptr<const Model>> load_golden_model(const std::string& name, const std::string& device) {
    return Model::load(golden_model(name), {.device = device, .cache = DType::F32});
}

class SessionTest : public testing::TestWithParam<SessionCase> {
  protected:
    void SetUp() override {
        const auto& [name, device] = GetParam();
        auto model = load_golden_model(name, device);
        if (!model && model.error().code == ErrorCode::unavailable) GTEST_SKIP() << model.error().message;
        ASSERT_TRUE(model) << model.error().message;
        model_ = *model;
        // The difference that the order of float32 sums may make; the reference rounds only its state between runs.
        tolerance_ = device == "reference" ? 1e-10 : 1e-8;
    }

    std::vector<int32_t> random_tokens(size_t n, uint32_t seed) const {
        std::mt19937 random(seed);
        std::vector<int32_t> tokens(n);
        for (int32_t& token : tokens) token = static_cast<int32_t>(random() % static_cast<uint32_t>(model_->shape().n_vocab));
        return tokens;
    }

    Session session(SessionOptions options = {}) const {
        auto created = Session::create(model_, options);
        EXPECT_TRUE(created) << created.error().message;
        return std::move(*created);
    }

    // Logits after every token, read in chunks of the given sizes (the last one repeats).
    std::vector<float> all_logits(std::span<const int32_t> tokens, std::vector<size_t> chunks,
                                  SessionOptions options = {}) const {
        Session s = session(options);
        std::vector<float> logits;
        for (size_t first = 0, c = 0; first < tokens.size(); ++c) {
            const size_t count = std::min(chunks[std::min(c, chunks.size() - 1)], tokens.size() - first);
            const auto decoded = s.decode({{.sequence = 0, .tokens = tokens.subspan(first, count), .want = WantLogits::all}});
            EXPECT_TRUE(decoded) << decoded.error().message;
            for (size_t row = 0; row < count; ++row)
                logits.insert(logits.end(), s.logits(0, row).begin(), s.logits(0, row).end());
            first += count;
        }
        return logits;
    }

    std::shared_ptr<const Model> model_;
    double tolerance_ = 0;
};

inline auto every_model_and_device() {
    return testing::Combine(testing::Values("mamba", "falcon_mamba", "mamba2", "hybrids/granite_moe_nope"),
                            testing::ValuesIn(test::model_devices()));
}

inline std::string name_of_case(const testing::TestParamInfo<SessionCase>& tested) {
    return test::as_identifier(std::get<0>(tested.param) + "_" + std::get<1>(tested.param));
}

inline void expect_error(const Result<void>& result, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
}

}  // namespace krait
