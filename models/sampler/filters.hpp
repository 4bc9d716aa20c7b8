// SPDX-License-Identifier: Apache-2.0
//
// The filters of a Sampler, each on its own: they shorten a list of candidates. Candidates are finite or -infinity, never
// NaN, at least one is finite, and the most likely stays in the list. What each one means is told in sampler.hpp.
#pragma once

#include <span>
#include <vector>

#include "models/sampler/candidate.hpp"

namespace krait {

// `candidates` is indexed by token; `recent` may repeat tokens, and is sorted by the call.
void penalize_repetition(std::vector<Candidate>& candidates, std::vector<int32_t>& recent, float penalty);

// The index of the most likely.
[[nodiscard]] size_t most_likely(std::span<const Candidate> candidates);

// Leaves the k most likely, sorted by likelihood. k > 0.
void keep_top_k(std::vector<Candidate>& candidates, size_t k);

// Leaves the shortest row of the most likely whose probabilities sum to p or more, sorted by likelihood.
void keep_top_p(std::vector<Candidate>& candidates, double p, bool sorted);

// Leaves those at least m times as likely as the most likely, in the order they had.
void keep_min_p(std::vector<Candidate>& candidates, double m);

// The index that falls on `uniform` in [0, 1) when candidates are laid out in their order, each as wide as e^(l / T).
// `weights` is scratch.
[[nodiscard]] size_t draw(std::span<const Candidate> candidates, double temperature, double uniform,
                          std::vector<double>& weights);

}  // namespace krait
