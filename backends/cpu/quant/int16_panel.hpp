// SPDX-License-Identifier: Apache-2.0
//
// F16 and BF16 weights, and what they are multiplied with, as integers of 13 bits and a sign: kInt16Unit elements along K share
// one float32 scale,
//   w[k] ~ d * q[k],   d = max |w| / kInt16Max over the unit, q = round(w / d), ties to even
// so a dot product of a unit is exact in int32. Of normal numbers the largest of 32 is 2.1 deviations: the mean square of each
// rounding is (2.1 / kInt16Max)^2 / 12 = 5.5e-9 of theirs, both together no more than rounding activations to f16 costs (1e-8);
// and integers go twice as fast as float32 (a register multiplies 32 pairs of int16, or 16 of float32).
//   group   kPanelRows rows: cells, one a unit: [kPanelRows] scales, then [kInt16Unit / 2][kPanelRows] pairs of elements
// The last cell of a group has as many pairs as K needs, and the next group follows it at once.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/cpu/quant/panel.hpp"
#include "backends/cpu/quant/plain.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kInt16Unit = 32;
inline constexpr float kInt16Max = 8191;  // the largest q with kInt16Unit * q^2 below 2^31
static_assert(kInt16Unit * int64_t{8191} * 8191 < (int64_t{1} << 31));

struct alignas(64) Int16Cell {
    float scale[kPanelRows];
    int16_t pairs[kInt16Unit / 2][kPanelRows][2];
};

// Units and pairs of a row of d_in elements.
inline int64_t int16_units(int64_t d_in) { return (d_in + kInt16Unit - 1) / kInt16Unit; }
inline int64_t int16_pairs(int64_t d_in) { return (d_in + 1) / 2; }
// Pairs of unit `unit`, and bytes of a group.
inline int int16_pairs_of(int64_t d_in, int64_t unit) {
    return static_cast<int>(std::min<int64_t>(kInt16Unit / 2, int16_pairs(d_in) - unit * (kInt16Unit / 2)));
}
inline int64_t int16_group_bytes(int64_t d_in) {
    return int16_units(d_in) * int64_t{sizeof(Int16Cell::scale)} + int16_pairs(d_in) * int64_t{sizeof(Int16Cell::pairs[0])};
}

// `count` <= kInt16Unit floats as q, the rest of it 0; returns d. NaN where one of them is not finite.
inline float round_unit(const float* x, int64_t count, int16_t* q) {
    constexpr int kVecs = kInt16Unit / kLanes;
    Vec v[kVecs];
    Vec top = zero(), odd = zero();
    unroll<kVecs>([&](auto i) __attribute__((always_inline)) {
        v[i] = i * kLanes < count ? load_up_to(x + i * kLanes, count - i * kLanes) : zero();
        top = max(abs(v[i]), top);
        odd = fma(v[i], zero(), odd);  // NaN from NaN and infinities, else 0
    });
    const float largest = highest(top);
    constexpr float kTiny = 1e-34f;  // below this kInt16Max / largest overflows
    const Vec inverse = broadcast(largest > kTiny ? kInt16Max / largest : 0.0f);
    unroll<kVecs>([&](auto i) __attribute__((always_inline)) { store_i16(q + i * kLanes, round_even(v[i] * inverse)); });
    return (largest > kTiny ? largest / kInt16Max : 0.0f) + sum(odd);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
