// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the sampler's tests.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <vector>

#include "models/sampler/sampler.hpp"

namespace krait::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Every filter off: what is left is softmax(l / temperature).
inline SamplerOptions no_filters() {
    return {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .repetition_penalty = 1, .repetition_window = 64, .seed = 1};
}

inline Sampler make_sampler(const SamplerOptions& options) {
    auto sampler = Sampler::create(options);
    if (!sampler) throw std::runtime_error(sampler.error().message);  // GoogleTest reports it as a failure
    return *std::move(sampler);
}

// How often each token came in n draws.
inline std::map<int32_t, int> counts(Sampler& sampler, std::span<const float> logits, int n) {
    std::map<int32_t, int> drawn;
    for (int i = 0; i < n; ++i) ++drawn[sampler.sample(logits).value()];
    return drawn;
}

// The tokens that can come. With the logits of the tests each would come in 2000 draws except once in 10^9 runs.
inline std::set<int32_t> possible(const SamplerOptions& options, std::span<const float> logits) {
    Sampler sampler = make_sampler(options);
    std::set<int32_t> tokens;
    for (const auto& [token, n] : counts(sampler, logits, 2000)) tokens.insert(token);
    return tokens;
}

// Logits of these probabilities.
inline std::vector<float> logits_of(const std::vector<double>& probabilities) {
    std::vector<float> logits;
    for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
    return logits;
}

}  // namespace krait::test
