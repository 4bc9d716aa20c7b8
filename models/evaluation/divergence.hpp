// SPDX-License-Identifier: Apache-2.0
//
// How far a model is from another one, token by token on the same text: what a weight format costs, for instance. With p the
// base's probabilities (base_run.hpp) and q this model's, for each scored token:
//
//   KL(p || q) = sum_i p_i (ln p_i - ln q_i) >= 0, in nats        dp = q(t) - p(t) for the token t that came
//
// S. Kullback, R. A. Leibler, "On information and sufficiency", Ann. Math. Stat. 22 (1951), 79-86.
#pragma once

#include "models/evaluation/base_run.hpp"

namespace krait {

struct DivergenceSummary {
    MeanEstimate kl;
    double kl_median = 0, kl_90 = 0, kl_99 = 0, kl_max = 0;  // percentiles
    double same_top = 0;                                     // share of tokens where both find the same one most likely
    Interval same_top_interval;
    MeanEstimate dp;    // mean change of the probability of the token that came
    double dp_rms = 0;  // root of the mean of its square
    double base_perplexity = 0;
    MeanEstimate perplexity_ratio;  // this / base, with the error of the paired difference of their nll
};

// Collects scored tokens in any order; each row once.
class Divergence {
  public:
    // `base` must outlive it.
    explicit Divergence(const BaseRun& base);
    // Fails only where the base's file is damaged.
    Result<void> add(const ScoredToken& scored);
    // The summary of the rows that were added.
    DivergenceSummary summarize() const;

  private:
    struct Row {
        double kl = 0, base_nll = 0, nll = 0;
        bool same_top = false, added = false;
    };
    const BaseRun& base_;
    std::vector<double> exp_;  // e^(-kStep * q) by q
    std::vector<Row> rows_;
};

}  // namespace krait
