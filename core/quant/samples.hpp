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
    if (std::isnan(value)) return 0.0f;
    return std::clamp(value, -std::numeric_limits<float>::max(), std::numeric_limits<float>::max());
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

template <int N>
struct Samples {
    float x[N];
    float w[N];
    int exponent = 0;  // the weights are x * 2^exponent

    Samples(const float* in, const float* importance) {
        float largest = 0;
        for (int i = 0; i < N; ++i) largest = std::max(largest, std::fabs(finite_or_clamped(in[i])));
        if (largest > 0) std::frexp(largest, &exponent);
        // In double, because 2^-exponent may be beyond f32.
        const double factor = std::ldexp(1.0, -exponent);
        for (int i = 0; i < N; ++i) x[i] = static_cast<float>(static_cast<double>(finite_or_clamped(in[i])) * factor);

        float max_importance = 0;
        for (int i = 0; importance && i < N; ++i) max_importance = std::max(max_importance, usable_importance(importance[i]));
        // The floor lets sums over a sub-block without importance be divided by; 1e-7 of the most important weight is nothing.
        for (int i = 0; i < N; ++i)
            w[i] = max_importance > 0 ? std::max(usable_importance(importance[i]) / max_importance, 1e-7f) : 1.0f;
    }

    // A scale found for x, as the block stores it for the weights themselves; and what a stored scale means for x.
    uint16_t to_f16(float scale) const {
        const double value = std::ldexp(static_cast<double>(scale), exponent);
        return finite_f16(static_cast<float>(std::clamp(value, -1e6, 1e6)));
    }
    float from_f16(uint16_t bits) const {
        return static_cast<float>(std::ldexp(static_cast<double>(f16_to_f32(bits)), -exponent));
    }
};

}  // namespace krait
