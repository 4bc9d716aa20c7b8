// SPDX-License-Identifier: Apache-2.0
//
// Results of a run after a token: the most likely next tokens, or all logits. They are kept beside the state of a prefix, so
// that a prompt which is one needs no run at all.
#pragma once

#include <span>
#include <vector>

#include "models/sampler/sampler.hpp"

namespace krait::engine {

struct Outputs {
    std::span<const Candidate> candidates;
    std::span<const float> logits;  // of all tokens; empty where candidates were wanted

    // As the sampler that needs so many candidates (Sampler::n_needed), 0 all logits.
    bool suffice(int32_t n_needed, size_t n_token) const {
        if (!logits.empty()) return true;
        return n_needed > 0 && candidates.size() >= std::min(static_cast<size_t>(n_needed), n_token);
    }
    Result<int32_t> sample(Sampler& sampler, size_t n_token) const {
        return logits.empty() ? sampler.sample(candidates, n_token) : sampler.sample(logits.first(n_token));
    }
};

class KeptOutputs {
  public:
    KeptOutputs() = default;
    explicit KeptOutputs(const Outputs& outputs)
        : candidates_(outputs.candidates.begin(), outputs.candidates.end()),
          logits_(outputs.logits.begin(), outputs.logits.end()) {}
    KeptOutputs(std::vector<Candidate> candidates, std::vector<float> logits)
        : candidates_(std::move(candidates)), logits_(std::move(logits)) {}
    Outputs view() const { return {candidates_, logits_}; }

  private:
    std::vector<Candidate> candidates_;
    std::vector<float> logits_;
};

}  // namespace krait::engine
