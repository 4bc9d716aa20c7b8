// SPDX-License-Identifier: Apache-2.0
//
// Rows of activations as int8, kUnit elements to a scale:
//   x[k] ~ d * q[k],   d = max |x| / 127 over the unit, q = round(x / d) in -127 .. 127 (ties to even)
// The error is at most d / 2 an element: of a row of normal numbers a mean square of 2e-5 of theirs.
// Beside q, a product with a Panel<F> needs of each half (or the whole) of a unit:
//   start = -offset * sum of q (int32)   what the dot product begins with, so that quants can be unsigned
//   low   = -sum of x                    what a minimum is multiplied by; not rounded
// A unit that holds NaN or an infinity has d = NaN: all that depends on it is NaN, and nothing else.
#pragma once

#include <cstddef>

#include "backends/cpu/quant/panel.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Where the parts of a row's record are.
struct ActivationLayout {
    int64_t n_units;        // as many as the panels have; those beyond the row are zeros
    int64_t d, start, low;  // byte offsets; q is at 0
    int64_t stride;         // bytes from row to row: cache lines, an odd number, so that rows do not share sets of a cache

    ActivationLayout(int64_t units, int halves) : n_units(units) {
        const int64_t numbers = n_units * int64_t{sizeof(float)};
        d = n_units * kUnit;
        start = d + numbers;
        low = start + numbers * halves;
        stride = ((low + numbers * halves + 63) / 64 | 1) * 64;
    }
};

// One row's record.
struct ActivationRow {
    const int8_t* q;
    const float* d;        // [units]
    const int32_t* start;  // [units][halves]
    const float* low;      // [units][halves]

    ActivationRow() = default;
    ActivationRow(const std::byte* record, const ActivationLayout& layout)
        : q(reinterpret_cast<const int8_t*>(record)),
          d(reinterpret_cast<const float*>(record + layout.d)),
          start(reinterpret_cast<const int32_t*>(record + layout.start)),
          low(reinterpret_cast<const float*>(record + layout.low)) {}
};

template <int kHalves>
inline void quantize_row(const float* x, int64_t d_in, int offset, const ActivationLayout& layout, std::byte* record) {
    constexpr int kVecs = kUnit / kLanes;
    auto* q = reinterpret_cast<int8_t*>(record);
    auto* d = reinterpret_cast<float*>(record + layout.d);
    auto* start = reinterpret_cast<int32_t*>(record + layout.start);
    auto* low = reinterpret_cast<float*>(record + layout.low);
    const int64_t n_units = d_in / kUnit;
    if (n_units < layout.n_units) std::memset(record, 0, static_cast<size_t>(layout.stride));
    for (int64_t unit = 0; unit < n_units; ++unit, x += kUnit, q += kUnit) {
        Vec v[kVecs];
        Vec top = zero(), odd = zero();
        unroll<kVecs>([&](auto i) __attribute__((always_inline)) {
            v[i] = load(x + i * kLanes);
            top = max(abs(v[i]), top);
            odd = fma(v[i], zero(), odd);  // NaN from NaN and infinities, else 0
        });
        const float largest = highest(top);
        // Below this 127 / largest overflows; such activations are as good as 0.
        constexpr float kTiny = 1e-36f;
        const Vec inverse = broadcast(largest > kTiny ? 127.0f / largest : 0.0f);
        const float step = largest > kTiny ? largest / 127.0f + sum(odd) : sum(odd);
        Vec part[kHalves], exact[kHalves];
        unroll<kVecs>([&](auto i) __attribute__((always_inline)) {
            const Vec rounded = round_even(v[i] * inverse);
            store_i8(q + i * kLanes, rounded);
            constexpr int half = i * kHalves / kVecs;
            constexpr bool first = i * kHalves % kVecs == 0;
            part[half] = first ? rounded : part[half] + rounded;
            exact[half] = first ? v[i] : exact[half] + v[i];
        });
        d[unit] = step;
        unroll<kHalves>([&](auto h) __attribute__((always_inline)) {
            const float total = sum(part[h]);  // whole and below 2^24: exact, in any order
            // A NaN must not be converted; the step is one already.
            start[unit * kHalves + h] = total == total ? -offset * static_cast<int32_t>(total) : 0;
            low[unit * kHalves + h] = -sum(exact[h]);
        });
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
