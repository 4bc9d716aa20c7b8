// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace krait {

MeanEstimate estimate_mean(std::span<const double> values) {
    if (values.empty()) return {};
    const auto n = static_cast<double>(values.size());
    double sum = 0;
    for (const double v : values) sum += v;
    MeanEstimate estimate{sum / n, 0};
    if (values.size() == 1) return estimate;
    double squares = 0;
    for (const double v : values) squares += (v - estimate.value) * (v - estimate.value);
    estimate.standard_error = std::sqrt(squares / (n - 1) / n);
    return estimate;
}

double percentile(std::span<const double> sorted, double share) {
    if (sorted.empty()) return 0;
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(at);
    if (below + 1 >= sorted.size()) return sorted.back();
    return sorted[below] + (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

Interval wilson_interval(int64_t hits, int64_t n) {
    if (n <= 0) return {};
    constexpr double z = 1.959963984540054;  // 97.5% of a normal distribution lie below it
    const auto count = static_cast<double>(n);
    const double share = static_cast<double>(hits) / count;
    const double scale = 1 + z * z / count;
    const double centre = (share + z * z / (2 * count)) / scale;
    const double half = z / scale * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double log_sum_exp(std::span<const float> values) {
    if (values.empty()) return -HUGE_VAL;
    // Several sums side by side: one alone waits for each addition before the next.
    constexpr size_t kLanes = 8;
    float largest = values[0];
    for (const float v : values) largest = std::max(largest, v);
    if (largest == -HUGE_VALF) return -HUGE_VAL;
    double sums[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= values.size(); i += kLanes)
        for (size_t lane = 0; lane < kLanes; ++lane)
            sums[lane] += std::exp(static_cast<double>(values[i + lane]) - static_cast<double>(largest));
    for (; i < values.size(); ++i) sums[0] += std::exp(static_cast<double>(values[i]) - static_cast<double>(largest));
    double sum = 0;
    for (const double s : sums) sum += s;
    return static_cast<double>(largest) + std::log(sum);
}

}  // namespace krait
