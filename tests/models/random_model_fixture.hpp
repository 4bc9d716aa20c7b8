// SPDX-License-Identifier: Apache-2.0
//
// Small random models in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "models/random/random_model.hpp"
#include "models/session/session.hpp"

namespace krait {

class RandomModelFixture : public testing::Test {
  protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        std::string name = fmt::format("krait-{}-{}-{}", info->test_suite_name(), info->name(), ::getpid());
        std::replace(name.begin(), name.end(), '/', '-');
        folder_ = std::filesystem::path(testing::TempDir()) / name;
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // Two layers; dt_rank 48 as in mamba-130m, which is no whole number of any block.
    static RandomModelSizes tiny(std::string_view like) {
        auto sizes = published_sizes(like);
        EXPECT_TRUE(sizes) << sizes.error().message;
        sizes->n_layer = 2;
        sizes->set_d_model(256);
        sizes->dt_rank = 48;
        sizes->n_vocab = 300;
        return *sizes;
    }
    std::filesystem::path write(const std::string& name, const RandomModelOptions& options) const {
        const std::filesystem::path path = folder_ / name;
        const auto report = write_random_model(path, options);
        EXPECT_TRUE(report) << report.error().message;
        return path;
    }
    static std::vector<float> last_logits(const std::filesystem::path& path, std::span<const int32_t> tokens,
                                          const std::string& device = "cpu") {
        auto model = Model::load(path, {.device = device});
        EXPECT_TRUE(model) << model.error().message;
        if (!model) return {};
        auto session = Session::create(*model);
        EXPECT_TRUE(session) << session.error().message;
        const auto decoded = session->decode({{.sequence = 0, .tokens = tokens}});
        EXPECT_TRUE(decoded) << decoded.error().message;
        const auto logits = session->logits(0);
        return {logits.begin(), logits.end()};
    }
    static std::vector<int32_t> counting_tokens(int32_t n, int32_t n_vocab) {
        std::vector<int32_t> tokens;
        for (int32_t i = 0; i < n; ++i) tokens.push_back((i * 37 + 11) % n_vocab);
        return tokens;
    }
    std::vector<std::string> names_in_folder() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
        return names;
    }

    std::filesystem::path folder_;
};

}  // namespace krait
