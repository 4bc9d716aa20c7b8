// SPDX-License-Identifier: Apache-2.0
//
// Parts that tests of Hugging Face folders share: the folders, a folder of their own, and logits of a model.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "formats/open_model.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"

namespace krait::test {

inline const std::string kHuggingFace = "tests/models/data/huggingface/";

inline std::unique_ptr<ModelSource> opened(const std::filesystem::path& path) {
    auto source = open_model(path);
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
}

// The logits of the tokens that lie in a folder.
inline std::vector<float> logits_of(Result<std::unique_ptr<ModelSource>> source, const std::string& folder,
                                    const std::string& device) {
    if (!source) {
        ADD_FAILURE() << source.error().message;
        return {};
    }
    const auto model = Model::load(std::move(*source), {.device = device});
    if (!model) {
        ADD_FAILURE() << model.error().message;
        return {};
    }
    const auto tokens = read_npy<int32_t>(folder + "/tokens.npy");
    auto session = Session::create(*model);
    EXPECT_TRUE(session && session->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::all}}));
    std::vector<float> logits;
    for (size_t row = 0; session && row < tokens.size(); ++row) {
        const auto values = session->logits(0, row);
        logits.insert(logits.end(), values.begin(), values.end());
    }
    return logits;
}

class FolderTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("krait-huggingface-" + std::to_string(getpid()));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path folder_;
};

}  // namespace krait::test
