// SPDX-License-Identifier: Apache-2.0
//
// x as the matrix unit wants it: rows of 16-bit floats, filled up with zeros to whole steps of kStepColumns.
//   f16    each row times the power of two that takes its largest value into [2^14, 2^15), so that neither large nor tiny rows
//          leave f16's range; `unscale` is its inverse
//   bf16   as it is; unscale is 1
//   kSplit x = high + low, two such numbers, all low rows behind all high ones: 22 of x's 24 bits remain of f16, 16 of bf16
// `sums`, where wanted: of what became of the values, sixteen columns each.
// kRun > 0: columns in the order in which mul_mat_wgmma.cuh's lanes take them. Of four runs of kRun columns that follow each
// other, product j of 16 columns has columns 4 j to 4 j + 3 of each, and lane t's, of run t, at 2 t, 2 t + 1, 2 t + 8 and
// 2 t + 9. Grid: (rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kRoundBlock = 128;
KRAIT_CONSTANT int kStepColumns = 128;
KRAIT_CONSTANT int kSumColumns = 16;

struct RoundedRows {
    uint16_t* values;  // [n_row, padded], with kSplit twice
    float* sums;       // [n_row, padded / 16], or null
    float* unscale;    // [n_row]
    int64_t n_row, padded;
};

template <bool kBf16>
KRAIT_DEVICE uint16_t to_bits(float value) {
    return kBf16 ? float_to_bf16(value) : float_to_half(value);
}
template <bool kBf16>
KRAIT_DEVICE float from_bits(uint16_t bits) {
    return kBf16 ? bits_float(static_cast<uint32_t>(bits) << 16) : half_to_float(bits);
}

// The power of two that a row is multiplied with, and its inverse. largest: |x| as bits, which order as the numbers do.
struct RowFactor {
    float factor, unscale;
};
KRAIT_DEVICE RowFactor factor_of(uint32_t largest) {
    // Exponents from 2^-100 up can be inverted; below, and of infinities and NaN, 14 is what the factor adds or nothing.
    const int exponent = static_cast<int>(largest >> 23) - 127;
    if (largest == 0 || exponent >= 128) return {1, 1};
    const int shift = 14 - (exponent < -100 ? -100 : exponent);
    return {bits_float(static_cast<uint32_t>(127 + shift) << 23), bits_float(static_cast<uint32_t>(127 - shift) << 23)};
}
// All threads of the block get it.
template <bool kBf16>
KRAIT_DEVICE RowFactor row_factor(const float* from, int64_t n_in, uint32_t* partial) {
    if constexpr (kBf16) return {1, 1};
    uint32_t largest = 0;
    for (int64_t k = threadIdx.x; k < n_in; k += kRoundBlock) largest = MaximumOf()(largest, float_bits(from[k]) & 0x7fffffffu);
    return factor_of(reduce_block<kRoundBlock>(largest, partial, MaximumOf()));
}

// What is infinite or no number is so in high; low would make a NaN of an infinity.
template <bool kBf16>
KRAIT_DEVICE uint16_t low_bits(float value, uint16_t high) {
    const float rest = value - from_bits<kBf16>(high);
    return rest == rest ? to_bits<kBf16>(rest) : static_cast<uint16_t>(0);
}

// The column that comes to place p of a row.
template <int kRun>
KRAIT_DEVICE int64_t column_at(int64_t p) {
    if constexpr (kRun == 0) {
        return p;
    } else {
        const auto in_runs = static_cast<int>(p % (4 * kRun)), product = in_runs / 16, i = in_runs % 16;
        return p - in_runs + i % 8 / 2 * kRun + 4 * product + i / 8 * 2 + i % 2;
    }
}

KRAIT_DEVICE void store_columns(uint16_t* to, const uint16_t (&values)[kSumColumns]) {
    KRAIT_UNROLL
    for (int i = 0; i < kSumColumns; i += 8) store_vector(to + i, load_vector<uint4>(values + i));
}

template <bool kBf16, bool kSplit, int kRun, class XRows>
KRAIT_GLOBAL(kRoundBlock)
round_rows_kernel(XRows x, RoundedRows to, int64_t n_in) {
    KRAIT_SHARED(uint32_t, partial, kRoundBlock / kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t t = blockIdx.x;
    const float* from = x.row(t);
    const RowFactor by = row_factor<kBf16>(from, n_in, partial);
    if (threadIdx.x == 0) to.unscale[t] = by.unscale;
    for (int64_t first = static_cast<int64_t>(threadIdx.x) * kSumColumns; first < to.padded;
         first += kRoundBlock * kSumColumns) {
        float sum = 0;
        alignas(16) uint16_t high[kSumColumns], low[kSumColumns];
        KRAIT_UNROLL
        for (int i = 0; i < kSumColumns; ++i) {
            const int64_t k = column_at<kRun>(first + i);
            const float value = k < n_in ? from[k] * by.factor : 0.0f;
            high[i] = to_bits<kBf16>(value);
            sum += from_bits<kBf16>(high[i]);
            if constexpr (kSplit) {
                low[i] = low_bits<kBf16>(value, high[i]);
                sum += from_bits<kBf16>(low[i]);
            }
        }
        store_columns(to.values + t * to.padded + first, high);
        if constexpr (kSplit) store_columns(to.values + (to.n_row + t) * to.padded + first, low);
        if (to.sums) to.sums[(t * to.padded + first) / kSumColumns] = sum;
    }
}

}  // namespace krait::cuda
