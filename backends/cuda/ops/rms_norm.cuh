// SPDX-License-Identifier: Apache-2.0
//
// rms_norm and l2_norm: a block for each group of a row. Squares are summed in float32 as they are; where that overflows,
// vanishes or gives no number, once more with x divided by the power of two at the group's largest value. Grid: (groups, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kNormBlock = 128;

// sqrt(sum of squares / divisor + eps), in units of `unit`. divisor: the width for their mean, 1 for their sum.
struct NormRoot {
    float unit, root;
};

KRAIT_DEVICE NormRoot norm_root(const float* x, int64_t width, float divisor, float eps, float* partial) {
    float squares = 0;
    for (int64_t i = threadIdx.x; i < width; i += kNormBlock) squares = fused(x[i], x[i], squares);
    squares = reduce_block<kNormBlock>(squares, partial, SumOf());
    // From 2^-96 on, squares that underflowed (below 2^-126 each) do not count; below 2^126 nothing overflowed.
    if (squares >= 0x1p-96f && squares < 0x1p126f) return {1.0f, sqrt_accurate(divide(squares, divisor) + eps)};
    if (squares < 0x1p-96f && eps >= 0x1p-70f) return {1.0f, sqrt_accurate(eps)};  // beside it they do not count

    uint32_t largest = 0;  // |x| as bits: ordered as the numbers are, infinity and NaN above
    for (int64_t i = threadIdx.x; i < width; i += kNormBlock) {
        const uint32_t bits = float_bits(x[i]) & 0x7fffffffu;
        largest = bits > largest ? bits : largest;
    }
    largest = reduce_block<kNormBlock>(largest, reinterpret_cast<uint32_t*>(partial), MaximumOf());
    if (largest >= 0x7f800000u) return {1.0f, bits_float(largest)};  // x / inf, and NaN where there is one
    // From 2^-96 on: eps / unit^2 is a number, and squares of x / unit are normal even where x is a denormal.
    const uint32_t power = largest & 0x7f800000u;
    const float unit = power > float_bits(0x1p-96f) ? bits_float(power) : 0x1p-96f;
    squares = 0;
    for (int64_t i = threadIdx.x; i < width; i += kNormBlock) {
        const float scaled = divide(x[i], unit);
        squares = fused(scaled, scaled, squares);
    }
    squares = reduce_block<kNormBlock>(squares, partial, SumOf());
    return {unit, sqrt_accurate(divide(squares, divisor) + divide(divide(eps, unit), unit))};
}

KRAIT_DEVICE float norm_value(float x, const NormRoot& norm, const float* weight, int64_t i) {
    const float value = divide(divide(x, norm.unit), norm.root);
    return weight ? value * weight[i] : value;
}

template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kNormBlock) rms_norm_kernel(Rows<const float> x, const float* weight, Rows<float> y, int64_t n_row, int64_t width,
                                         float divisor, float eps) {
    KRAIT_SHARED(float, partial, kNormBlock / kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t first = static_cast<int64_t>(blockIdx.x) * width;
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        const float* from = x.row(t) + first;
        float* to = y.row(t) + first;
        const NormRoot norm = norm_root(from, width, divisor, eps, partial);
        for (int64_t i = threadIdx.x; i < width; i += kNormBlock) to[i] = norm_value(from[i], norm, weight, first + i);
    }
}

}  // namespace krait::cuda
