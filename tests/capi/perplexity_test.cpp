// SPDX-License-Identifier: Apache-2.0
//
// Perplexity and divergence in the C API.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <krait/krait.hpp>

#include "tests/capi/value.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

std::string text() {
    std::string all;
    for (int i = 0; i < 40; ++i) all += "It was a fine day in the middle of June, and the house stood on a hill. ";
    return all;
}

class Folder {
  public:
    Folder() : path_(std::filesystem::path(testing::TempDir()) / ("krait-perplexity-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

krait_perplexity_options small() {
    krait_perplexity_options options = KRAIT_PERPLEXITY_OPTIONS_INIT;
    options.context = 64;
    options.max_tokens = 200;
    return options;
}

TEST(CApiPerplexity, AgreesWithTheLogProbabilitiesOfTheLogits) {
    const kr::Model model = value(kr::Model::load());
    krait_perplexity_options options = small();
    options.is_stream = 1;
    options.max_tokens = 50;
    const krait_perplexity measured = value(model.perplexity(text(), options));
    EXPECT_EQ(measured.n_window, 1u);
    EXPECT_EQ(measured.n_scored, 49u);
    auto tokens = value(model.tokenize(text(), KRAIT_TOKENIZE_PLAIN));
    tokens.resize(50);
    const auto prefix = value(model.tokenize("", KRAIT_TOKENIZE_BEGIN));
    tokens.insert(tokens.begin(), prefix.begin(), prefix.end());
    kr::Session session = value(kr::Session::create(model));
    value(session.decode(tokens, 0, KRAIT_WANT_ALL));
    double nll = 0;
    for (size_t row = prefix.size(); row + 1 < tokens.size(); ++row)
        nll -= value(session.logprobs(std::span(&tokens[row + 1], 1), 0, row))[0];
    EXPECT_NEAR(measured.nll, nll / 49, 1e-4);
    EXPECT_NEAR(measured.perplexity, std::exp(measured.nll), 1e-9);
    EXPECT_GT(measured.bits_per_byte, 0.0);
    EXPECT_EQ(measured.has_base, 0);
}

TEST(CApiPerplexity, ASavedRunIsTheBaseOfAnother) {
    const Folder folder;
    const kr::Model model = value(kr::Model::load());
    const std::string base = folder.file("base.run");
    krait_perplexity_options options = small();
    options.save = base.c_str();
    const krait_perplexity saved = value(model.perplexity(text(), options));
    EXPECT_EQ(saved.saved_bytes, std::filesystem::file_size(base));
    options = small();
    options.base = base.c_str();
    const krait_perplexity compared = value(model.perplexity(text(), options));
    EXPECT_EQ(compared.has_base, 1);
    EXPECT_EQ(compared.is_base_same_model, 1);
    EXPECT_LT(compared.kl, 1e-6);
    EXPECT_EQ(compared.same_top, 1.0);
    EXPECT_NEAR(compared.base_perplexity, saved.perplexity, 1e-6);
    options.context = 32;
    EXPECT_EQ(model.perplexity(text(), options).failure().code, KRAIT_INVALID_ARGUMENT);
    options.save = base.c_str();
    EXPECT_NE(model.perplexity(text(), options).failure().message.find("save and base are given"), std::string::npos);
}

TEST(CApiPerplexity, ProgressMayEndItAndLeavesNoFile) {
    const Folder folder;
    const kr::Model model = value(kr::Model::load());
    const std::string base = folder.file("base.run");
    krait_perplexity_options options = small();
    options.save = base.c_str();
    options.batch = 1;
    int calls = 0;
    options.user = &calls;
    options.progress = [](void* user, uint64_t done, uint64_t total, double) {
        EXPECT_LE(done, total);
        return ++*static_cast<int*>(user) < 3 ? 0 : 1;
    };
    const auto ended = model.perplexity(text(), options);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.failure().code, KRAIT_CANCELLED);
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(std::filesystem::exists(base));
}

TEST(CApiPerplexity, MistakesAreSentences) {
    const kr::Model model = value(kr::Model::load());
    krait_perplexity out = KRAIT_PERPLEXITY_INIT;
    EXPECT_EQ(krait_perplexity_measure(nullptr, "a", 1, nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_perplexity_measure(model.get(), nullptr, 1, nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_perplexity_measure(model.get(), "a", 1, nullptr, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    out.struct_size = 0;
    EXPECT_EQ(krait_perplexity_measure(model.get(), "a", 1, nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    krait_perplexity_options options = small();
    options.struct_size = sizeof options + 8;
    EXPECT_EQ(model.perplexity(text(), options).failure().code, KRAIT_INVALID_ARGUMENT);
    for (const int32_t batch : {0, 65537}) {
        options = small();
        options.batch = batch;
        EXPECT_EQ(model.perplexity(text(), options).failure().code, KRAIT_INVALID_ARGUMENT) << batch;
    }
    EXPECT_EQ(model.perplexity("").failure().code, KRAIT_INVALID_ARGUMENT) << "nothing to score";
}

}  // namespace
