// SPDX-License-Identifier: Apache-2.0
//
// Parts that the tests of models/evaluation share: the demo model on the CPU, real text, and the plainest way to a probability.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "models/evaluation/perplexity.hpp"

namespace krait::test {

class EvaluationTest : public testing::Test {
  protected:
    void SetUp() override {
        auto model = Model::load_demo({.device = "cpu"});
        ASSERT_TRUE(model) << model.error().message;
        model_ = *model;
        const auto tokenizer = model_->tokenizer();
        ASSERT_TRUE(tokenizer) << tokenizer.error().message;
        tokenizer_ = *tokenizer;
    }

    // The first tokens of a text that the model was not trained on.
    EvaluationText heldout(size_t n_tok) const {
        std::ifstream stream("models/demo/heldout.txt", std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(stream), {});
        auto tokens = tokenize_text(*tokenizer_, text, n_tok);
        EXPECT_TRUE(tokens) << tokens.error().message;
        EXPECT_EQ(tokens->tokens.size(), n_tok);
        return std::move(*tokens);
    }

    // ln p of every token that exists, by the formula.
    static std::vector<double> log_probabilities(std::span<const float> logits) {
        long double sum = 0;
        for (const float v : logits) sum += std::exp(static_cast<long double>(v));
        std::vector<double> result;
        for (const float v : logits) result.push_back(static_cast<double>(static_cast<long double>(v) - std::log(sum)));
        return result;
    }

    // The same after each of the tokens, read one by one from an empty state.
    std::vector<std::vector<double>> read_one_by_one(std::span<const int32_t> tokens) const {
        std::vector<std::vector<double>> rows;
        auto session = Session::create(model_);
        EXPECT_TRUE(session) << session.error().message;
        for (const int32_t& token : tokens) {
            const auto decoded = session->decode({{.sequence = 0, .tokens = std::span(&token, 1)}});
            EXPECT_TRUE(decoded) << decoded.error().message;
            rows.push_back(log_probabilities(session->logits(0).first(static_cast<size_t>(model_->n_token()))));
        }
        return rows;
    }

    std::shared_ptr<const Model> model_;
    const Tokenizer* tokenizer_ = nullptr;
};

template <class T>
void expect_error(const Result<T>& result, ErrorCode code, std::string_view part) {
    ASSERT_FALSE(result) << "an error with '" << part << "' was expected";
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
}

}  // namespace krait::test
