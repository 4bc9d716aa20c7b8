// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: eight floats that are worked on side by side. Each lane is IEEE arithmetic of its own, and a sum over
// many numbers is eight sums that are added in a fixed order: the same bits whatever instructions the compiler chooses.
#pragma once

#include <cstdint>
#include <cstring>

namespace krait {

using Lanes = float __attribute__((vector_size(32)));

inline constexpr int kLanes = 8;

inline void load_lanes(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }

inline float sum_of_lanes(const Lanes& v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

}  // namespace krait
