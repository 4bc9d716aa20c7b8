// SPDX-License-Identifier: Apache-2.0
//
// The functions of core/ops/activation.hpp in float32, within 5 units in the last place (normal results).
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"
#include "core/ops/activation.hpp"

namespace krait::cuda {

KRAIT_DEVICE float sigmoid(float v) { return divide(1.0f, 1.0f + exp_accurate(-v)); }
KRAIT_DEVICE float silu(float v) { return divide(v, 1.0f + exp_accurate(-v)); }

// v / (1 + e^-z), z = v (c + k v^2). A rounding of z would be 1e-5 of the result in the tail, where z is 80. So z is that of
// the nearest quarter h, exact by leaving the last bits of c and k to the second part, and what v - h adds. Beyond 12 the tail
// is 0.
KRAIT_DEVICE float gelu_tanh(float v) {
    constexpr float kC = 1.5957691216f, kCHigh = 26145 * 0x1p-14f, kCLow = 4.961449e-6f;  // 2 sqrt(2 / pi)
    constexpr float kK = 0.0713548163f, kKHigh = 73 * 0x1p-10f, kKLow = 6.57537726e-5f;   // 0.044715 times that
    const float size = v < 0 ? -v : v, t = size > 12.0f ? 12.0f : size;
    const float h = t + 0x1.8p21f - 0x1.8p21f, square = h * h;  // the sum has no bits below a quarter
    const float high = h * fused(kKHigh, square, kCHigh);
    const float low = fused(h, fused(kKLow, square, kCLow), (t - h) * fused(kK, fused(t, t + h, square), kC));
    const float e = exp_accurate(-high) * exp_accurate(-low);
    return divide(v < 0 ? v * e : v, 1.0f + e);
}

template <ops::Activation kFunction>
KRAIT_DEVICE float activated(float v) {
    if constexpr (kFunction == ops::Activation::silu) return silu(v);
    else if constexpr (kFunction == ops::Activation::relu_squared) return v < 0 ? 0.0f : v * v;
    else if constexpr (kFunction == ops::Activation::gelu) return v * normal_distribution(v);
    else if constexpr (kFunction == ops::Activation::gelu_tanh) return gelu_tanh(v);
    else if constexpr (kFunction == ops::Activation::sigmoid) return sigmoid(v);
    else return v;
}

}  // namespace krait::cuda
