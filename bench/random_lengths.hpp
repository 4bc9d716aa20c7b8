// SPDX-License-Identifier: Apache-2.0
//
// Lengths of the prompts and answers of a load.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/base/random.hpp"

namespace krait::bench {

// Uniform in (0, 1].
inline double uniform(Random& random) { return static_cast<double>((random.next() >> 11) + 1) * 0x1p-53; }

// Log-uniform from a sixteenth of the longest on.
inline int64_t log_uniform(int64_t longest, Random& random) {
    const double shortest = std::max(1.0, static_cast<double>(longest) / 16);
    return std::llround(shortest * std::pow(static_cast<double>(longest) / shortest, uniform(random)));
}

}  // namespace krait::bench
