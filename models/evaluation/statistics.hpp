// SPDX-License-Identifier: Apache-2.0
//
// Figures of a list of measurements: mean, standard error, percentiles, and the interval of a share.
#pragma once

#include <cstdint>
#include <span>

namespace krait {

// Mean and its standard error, sqrt(sum (x - mean)^2 / (n - 1) / n): as if the values were independent. 0 for an empty list;
// the error of a single value is 0 too, for lack of a better answer.
struct MeanEstimate {
    double value = 0, standard_error = 0;
};
MeanEstimate estimate_mean(std::span<const double> values);

// The value below which `share` (0 to 1) of the sorted values lie, interpolated linearly between neighbours. 0 for none.
double percentile(std::span<const double> sorted, double share);

// The 95% interval of Wilson's score for `hits` of `n`; unlike the simple one it is never empty and never leaves [0, 1].
// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927), 209-212.
struct Interval {
    double low = 0, high = 1;
};
Interval wilson_interval(int64_t hits, int64_t n);

// ln sum_i e^(x_i) in double, relative to the largest x so that nothing overflows. NaN where an x is NaN or +inf.
double log_sum_exp(std::span<const float> values);

}  // namespace krait
