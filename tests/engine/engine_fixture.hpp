// SPDX-License-Identifier: Apache-2.0
//
// Parts that the tests of the engine share: a golden model, and the tokens that a request gives alone and without prefixes.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "engine/engine.hpp"

namespace krait::engine {

inline std::shared_ptr<const Model> golden_model(const std::string& name = "mamba", const std::string& device = "cpu") {
    auto model = Model::load("tests/golden/" + name + (name.starts_with("hybrids/") ? "" : ".gguf"),
                             {.device = device, .cache = DType::F32});
    EXPECT_TRUE(model) << model.error().message;
    return model ? *model : nullptr;
}

inline std::vector<int32_t> random_tokens(const Model& model, size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<int32_t> tokens(n);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % static_cast<uint32_t>(model.n_token()));
    return tokens;
}

struct Answer {
    std::vector<std::vector<int32_t>> tokens;  // by choice
    std::vector<Finish> finishes;
    std::vector<int32_t> ends;  // the token by which a choice was stopped
    RequestStats stats;
};

inline Answer take_all(Request& request, size_t n_choice = 1) {
    Answer answer;
    answer.tokens.resize(n_choice);
    answer.finishes.resize(n_choice);
    answer.ends.resize(n_choice);
    size_t n_finished = 0;
    while (const auto event = request.next(std::chrono::seconds(60))) {
        const auto choice = static_cast<size_t>(event->choice);
        if (event->kind == Event::Kind::token) {
            answer.tokens[choice].push_back(event->token);
            continue;
        }
        answer.finishes[choice] = event->finish;
        answer.ends[choice] = event->token;
        ++n_finished;
    }
    EXPECT_EQ(n_finished, n_choice) << "each choice ends once";
    EXPECT_TRUE(request.is_finished());
    answer.stats = request.stats();
    return answer;
}

// The simple model of an engine: a session of its own for one choice, the prompt in one run, then token by token.
inline std::vector<int32_t> alone(const std::shared_ptr<const Model>& model, const RequestOptions& options,
                                  int32_t choice = 0) {
    auto session = Session::create(model);
    EXPECT_TRUE(session);
    SamplerOptions its = options.sampler;
    its.seed += static_cast<uint64_t>(choice);
    auto sampler = Sampler::create(its);
    EXPECT_TRUE(sampler);
    if (its.repetition_penalty != 1)
        for (const int32_t token : options.tokens) sampler->accept(token);
    std::vector<int32_t> answer;
    std::vector<int32_t> next = options.tokens;
    while (static_cast<int64_t>(answer.size()) < options.max_tokens) {
        EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = next}}));
        const auto token = sampler->sample(session->logits(0).first(static_cast<size_t>(model->n_token())));
        EXPECT_TRUE(token);
        if (std::find(options.stops.begin(), options.stops.end(), *token) != options.stops.end()) break;
        sampler->accept(*token);
        answer.push_back(*token);
        next = {*token};
    }
    return answer;
}

}  // namespace krait::engine
