// SPDX-License-Identifier: Apache-2.0
//
// F16 and BF16 weights, and what they are multiplied with, as integers of 13 bits and a sign: kWideUnit elements along K share
// one float32 scale,
//   w[k] ~ d * q[k],   d = max |w| / kWideMax over the unit, q = round(w / d), ties to even
// so a dot product of a unit is exact in int32. Of normal numbers the largest of 64 is 2.4 deviations: the mean square of each
// rounding is (2.4 / kWideMax)^2 / 12 = 1.4e-8 of theirs, a tenth of what rounding activations to f16 costs; and integers go
// twice as fast as float32 (a register multiplies 32 pairs of int16, or 16 of float32).
//   group   kPanelRows rows: cells, one a unit: [kPanelRows] scales, then [kWideUnit / 2][kPanelRows] pairs of elements
// The last cell of a group has as many pairs as K needs, and the next group follows it at once.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/cpu/quant/panel.hpp"
#include "backends/cpu/quant/plain.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

inline constexpr int kWideUnit = 64;
inline constexpr float kWideMax = 5792;  // the largest q with kWideUnit * q^2 below 2^31
static_assert(kWideUnit * int64_t{5792} * 5792 < (int64_t{1} << 31));

struct alignas(64) WideCell {
    float scale[kPanelRows];
    int16_t pairs[kWideUnit / 2][kPanelRows][2];
};

// Of a row of d_in elements.
inline int64_t wide_units(int64_t d_in) { return (d_in + kWideUnit - 1) / kWideUnit; }
inline int64_t wide_pairs(int64_t d_in) { return (d_in + 1) / 2; }
// Pairs of unit `unit`, and bytes of a group.
inline int wide_pairs_of(int64_t d_in, int64_t unit) {
    return static_cast<int>(std::min<int64_t>(kWideUnit / 2, wide_pairs(d_in) - unit * (kWideUnit / 2)));
}
inline int64_t wide_group_bytes(int64_t d_in) {
    return wide_units(d_in) * int64_t{sizeof(WideCell::scale)} + wide_pairs(d_in) * int64_t{sizeof(WideCell::pairs[0])};
}

// `count` <= kWideUnit floats as q, the rest of it 0; returns d. NaN where one of them is not finite.
inline float round_unit(const float* x, int64_t count, int16_t* q) {
    constexpr int kVecs = kWideUnit / kLanes;
    Vec v[kVecs];
    Vec top = zero(), odd = zero();
    unroll<kVecs>([&](auto i) __attribute__((always_inline)) {
        v[i] = i * kLanes < count ? load_up_to(x + i * kLanes, count - i * kLanes) : zero();
        top = max(abs(v[i]), top);
        odd = fma(v[i], zero(), odd);  // NaN from NaN and infinities, else 0
    });
    const float largest = highest(top);
    constexpr float kTiny = 1e-34f;  // below this kWideMax / largest overflows
    const Vec inverse = broadcast(largest > kTiny ? kWideMax / largest : 0.0f);
    unroll<kVecs>([&](auto i) __attribute__((always_inline)) { store_i16(q + i * kLanes, round_even(v[i] * inverse)); });
    return (largest > kTiny ? largest / kWideMax : 0.0f) + sum(odd);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
