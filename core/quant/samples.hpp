// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: what an encoder works on. The weights of one block, made finite and multiplied by the power of two
// that brings the largest magnitude into [0.5, 1), so that squares neither overflow nor vanish, whatever the weights are; the
// importance beside them, with its largest number made 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/quant/half.hpp"

namespace krait {

// From here up f32 rounds to an f16 infinity: halfway between 65504 and 2^16.
inline constexpr float kF16Overflow = 65520.0f;

// f16, but saturating: a block never stores an infinite scale.
inline uint16_t finite_f16(float value) {
    if (std::fabs(value) >= kF16Overflow) return static_cast<uint16_t>(kF16MaxBits | (value < 0 ? 0x8000u : 0u));
    return f32_to_f16(value);
}

inline float finite_or_clamped(float value) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    const float number = value == value ? value : 0.0f;
    const float bounded = number < kLargest ? number : kLargest;
    return bounded > -kLargest ? bounded : -kLargest;
}

inline void finite_copy(const float* in, float* out, int n) {
    for (int i = 0; i < n; ++i) out[i] = finite_or_clamped(in[i]);
}

// 0 for what has no finite inverse: with a scale of 0 every quant decodes to the same.
inline float safe_inverse(float value) {
    const float inverse = value == 0 ? 0.0f : 1.0f / value;
    return std::isfinite(inverse) ? inverse : 0.0f;
}

inline float usable_importance(float v) { return v > 0 && std::isfinite(v) ? v : 0.0f; }

// importance: null, or with a usable number for at least one weight. Without it `w` is not set.
template <int N>
struct Samples {
    float x[N];
    float w[N];
    float lowest;     // of the weights as they are
    double unit = 1;  // the weights are x * unit, a power of two

    void set(const float* in, const float* importance) {
        finite_copy(in, x, N);
        // Eight numbers at a time, which the compiler keeps in vectors.
        float low[8], high[8];
        for (int k = 0; k < 8; ++k) low[k] = high[k] = x[k];
        for (int i = 8; i < N; i += 8)
            for (int k = 0; k < 8; ++k) {
                low[k] = x[i + k] < low[k] ? x[i + k] : low[k];
                high[k] = x[i + k] > high[k] ? x[i + k] : high[k];
            }
        lowest = *std::min_element(low, low + 8);
        const float largest = std::max(std::fabs(lowest), std::fabs(*std::max_element(high, high + 8)));
        int exponent = 0;
        if (largest > 0) std::frexp(largest, &exponent);
        unit = std::ldexp(1.0, exponent);
        // In double, because 1 / unit may be beyond f32.
        const double factor = 1 / unit;
        for (int i = 0; i < N; ++i) x[i] = static_cast<float>(static_cast<double>(x[i]) * factor);
        if (!importance) return;

        float max_importance = 0;
        for (int i = 0; i < N; ++i) max_importance = std::max(max_importance, usable_importance(importance[i]));
        // The floor lets sums over a sub-block without importance be divided by; 1e-7 of the most important weight is nothing.
        for (int i = 0; i < N; ++i) w[i] = std::max(usable_importance(importance[i]) / max_importance, 1e-7f);
    }

    // A scale found for x, as the block stores it for the weights themselves; and what a stored scale means for x.
    uint16_t to_f16(float scale) const {
        return finite_f16(static_cast<float>(std::clamp(static_cast<double>(scale) * unit, -1e6, 1e6)));
    }
    float unscaled(float value) const { return static_cast<float>(static_cast<double>(value) * unit); }
    float from_f16(uint16_t bits) const { return static_cast<float>(static_cast<double>(f16_to_f32(bits)) / unit); }
};

}  // namespace krait
