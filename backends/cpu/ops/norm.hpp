// SPDX-License-Identifier: Apache-2.0
//
// Rows in equal groups, each divided by the root of its squares: rms_norm and l2_norm. A group is scaled by a power of two
// that brings its largest value near 1, so that no square overflows or vanishes: y = (x * s) * (1 / (s * root)) * weight, where
// x * s is exact.
#pragma once

#include <algorithm>
#include <cmath>

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// s = 2^-exponent(largest), within 2^+-100: beyond that nothing is gained. 1 where there is no finite value above 0.
inline float scale_of(float largest) {
    if (!(largest > 0.0f) || !std::isfinite(largest)) return 1.0f;
    return std::ldexp(1.0f, std::clamp(-std::ilogb(largest), -100, 100));
}

// y = x / sqrt(sum of squares / divisor + eps) * weight; weight may be null.
inline void normalise(const float* x, const float* weight, int64_t width, double divisor, float eps, float* y) {
    Vec top = zero();
    for_each_vec(width, [&](int64_t i, int64_t n) { top = max(abs(load_up_to(x + i, n)), top); });
    const float s = scale_of(highest(top));
    const Vec scale = broadcast(s);

    constexpr int64_t kChunk = 64 * kLanes;
    double total = 0;
    for (int64_t chunk = 0; chunk < width; chunk += kChunk) {
        Vec part = zero();
        for_each_vec(std::min(kChunk, width - chunk), [&](int64_t i, int64_t n) {
            const Vec v = load_up_to(x + chunk + i, n) * scale;
            part = fma(v, v, part);
        });
        total += static_cast<double>(sum(part));
    }
    const double square = static_cast<double>(s) * static_cast<double>(s);
    const Vec inverse = broadcast(static_cast<float>(1.0 / std::sqrt(total / divisor + static_cast<double>(eps) * square)));
    for_each_vec(width, [&](int64_t i, int64_t n) {
        Vec v = load_up_to(x + i, n) * scale * inverse;
        if (weight) v = v * load_up_to(weight + i, n);
        store_up_to(y + i, v, n);
    });
}

// Each of `groups` groups of each row; weight: as long as a row, or null.
inline void normalise_groups(const Tensor& x, const float* weight, int64_t groups, double divisor, float eps, const Tensor& y,
                             Context& context) {
    const int64_t width = x.extent(1) / groups;
    context.parallel_for(x.extent(0) * groups, grain_of(width * 4), [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
            const int64_t t = i / groups, column = i % groups * width;
            normalise(x.row<const float>(t) + column, weight ? weight + column : nullptr, width, divisor, eps,
                      y.row<float>(t) + column);
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
