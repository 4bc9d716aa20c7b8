// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/divergence.hpp"

#include <algorithm>
#include <cmath>

namespace krait {

Divergence::Divergence(const BaseRun& base)
    : base_(base), exp_(size_t{1} << 16), rows_(static_cast<size_t>(base.settings().n_row)) {
    for (size_t q = 0; q < exp_.size(); ++q) exp_[q] = std::exp(-BaseRow::kStep * static_cast<double>(q));
}

Result<void> Divergence::add(const ScoredToken& scored) {
    KRAIT_TRY(const BaseRow base, base_.row(scored.row));
    // With e_i = e^(-step q_i) and s = sum e_i: p_i = e_i / s, ln p_i = -step q_i - ln s, and ln q_i = x_i - log_sum_exp, so
    // KL = sum e_i (-step q_i - x_i) / s - ln s + log_sum_exp.
    constexpr size_t kLanes = 4;  // sums side by side: one alone waits for each addition before the next
    double weights[kLanes] = {}, moments[kLanes] = {};
    const size_t n = base.quantized.size();
    const auto take = [&](size_t i, size_t lane) {
        const uint16_t q = base.quantized[i];
        weights[lane] += exp_[q];
        moments[lane] += exp_[q] * (-BaseRow::kStep * static_cast<double>(q) - static_cast<double>(scored.logits[i]));
    };
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
        for (size_t lane = 0; lane < kLanes; ++lane) take(i + lane, lane);
    for (; i < n; ++i) take(i, 0);
    const double weight = (weights[0] + weights[1]) + (weights[2] + weights[3]);
    const double moment = (moments[0] + moments[1]) + (moments[2] + moments[3]);

    Row& row = rows_[scored.row];
    // Never negative but by rounding.
    row.kl = std::max(0.0, moment / weight - std::log(weight) + scored.log_sum_exp);
    row.base_nll = -base.log_probability;
    row.nll = scored.log_sum_exp - static_cast<double>(scored.logits[static_cast<size_t>(scored.token)]);
    const auto best = std::max_element(scored.logits.begin(), scored.logits.end());
    row.same_top = best - scored.logits.begin() == base.best;
    row.added = true;
    return {};
}

DivergenceSummary Divergence::summarize() const {
    std::vector<double> kl, dp, log_ratio, base_nll;
    int64_t n_same = 0;
    double squares = 0;
    for (const Row& row : rows_) {
        if (!row.added) continue;
        kl.push_back(row.kl);
        dp.push_back(std::exp(-row.nll) - std::exp(-row.base_nll));
        squares += dp.back() * dp.back();
        log_ratio.push_back(row.nll - row.base_nll);
        base_nll.push_back(row.base_nll);
        n_same += row.same_top ? 1 : 0;
    }
    DivergenceSummary summary;
    if (kl.empty()) return summary;
    const auto n = static_cast<double>(kl.size());
    summary.kl = estimate_mean(kl);
    std::sort(kl.begin(), kl.end());
    summary.kl_median = percentile(kl, 0.5);
    summary.kl_90 = percentile(kl, 0.9);
    summary.kl_99 = percentile(kl, 0.99);
    summary.kl_max = kl.back();
    summary.same_top = static_cast<double>(n_same) / n;
    summary.same_top_interval = wilson_interval(n_same, static_cast<int64_t>(kl.size()));
    summary.dp = estimate_mean(dp);
    summary.dp_rms = std::sqrt(squares / n);
    summary.base_perplexity = std::exp(estimate_mean(base_nll).value);
    const MeanEstimate log = estimate_mean(log_ratio);
    summary.perplexity_ratio = {std::exp(log.value), std::exp(log.value) * log.standard_error};
    return summary;
}

}  // namespace krait
