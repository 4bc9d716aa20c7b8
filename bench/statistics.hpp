// SPDX-License-Identifier: Apache-2.0
//
// Median and spread of repeated measurements. The median, because a machine that does other things too makes some runs slower
// and none faster; the spread is the smallest and the largest, because five repetitions have no quartiles worth the name.
#pragma once

#include <algorithm>
#include <vector>

namespace krait::bench {

struct Spread {
    double median = 0, min = 0, max = 0;
};

// All 0 where there are no values.
inline Spread spread_of(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const size_t n = values.size();
    return {n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2, values.front(), values.back()};
}

}  // namespace krait::bench
