// SPDX-License-Identifier: Apache-2.0
//
// kv_write: a thread for each element of x. A block of Q8_0 is a warp's: its lanes share the scale, and the bytes are those of
// core/quant/codec_simple.cpp. Grid: (columns, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"
#include "core/quant/blocks.hpp"

namespace krait::cuda {

KRAIT_CONSTANT int kKvWriteBlock = 128;
KRAIT_CONSTANT int kKvWriteSpan = 2 * kKvWriteBlock;

// A cache as bytes: rows one after another through all pages; elements of a row from `first` bytes on.
struct CacheRows {
    char* data;
    int64_t stride;
    int64_t first;

    template <class Block>
    KRAIT_DEVICE Block* row(int64_t index) const {
        return reinterpret_cast<Block*>(data + index * stride + first);
    }
};

// A float32 as its bits: an F32 cache keeps them all.
KRAIT_DEVICE void store_column(uint32_t bits, BlockF32* row, int64_t k) { *reinterpret_cast<uint32_t*>(row + k) = bits; }
KRAIT_DEVICE void store_column(uint32_t bits, BlockF16* row, int64_t k) {
    *reinterpret_cast<uint16_t*>(row + k) = f32_to_f16(__builtin_bit_cast(float, bits));
}

// All lanes of a warp, which have the columns of one block.
KRAIT_DEVICE void store_column(uint32_t bits, BlockQ8_0* row, int64_t k) {
    constexpr uint32_t kLargestFinite = 0x7f7fffffu;
    uint32_t magnitude = bits & 0x7fffffffu;  // ordered as the numbers are
    if (magnitude > 0x7f800000u) magnitude = 0;
    if (magnitude > kLargestFinite) magnitude = kLargestFinite;
    const float d = divide(bits_float(reduce_warp(magnitude, MaximumOf())), 127.0f);
    constexpr float kHalfOverflow = 65520.0f;  // from here up f32 rounds to an f16 infinity
    const float used = d >= kHalfOverflow ? kF16Max : d;
    float inverse = used == 0 ? 0.0f : divide(1.0f, used);
    if (float_bits(inverse) > kLargestFinite) inverse = 0;  // of subnormals: what is stored is 0 anyway

    const float scaled = bits_float(magnitude) * inverse, bounded = scaled < 127.0f ? scaled : 127.0f;
    auto quant = static_cast<int>(bounded);
    if (bounded - static_cast<float>(quant) >= 0.5f) ++quant;  // half away from zero; the difference is exact
    BlockQ8_0& block = row[k / block_elems<BlockQ8_0>];
    set_quant(block, static_cast<int>(k % block_elems<BlockQ8_0>), (bits & 0x80000000u) != 0 ? -quant : quant);
    if (k % block_elems<BlockQ8_0> == 0) block.d = d >= kHalfOverflow ? kF16MaxBits : f32_to_f16(d);
}

// rows[t] < 0: row t goes nowhere.
template <class Block>
KRAIT_GLOBAL(kKvWriteBlock)
kv_write_kernel(Rows<const uint32_t> x, const int32_t* rows, CacheRows cache, int64_t n_row, int64_t n_col) {
    static_assert(block_elems<Block> == 1 || block_elems<Block> == kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        const int64_t row = rows[t];
        if (row < 0) continue;
        for (int i = 0; i < kKvWriteSpan / kKvWriteBlock; ++i) {
            const int64_t k = static_cast<int64_t>(blockIdx.x) * kKvWriteSpan + i * kKvWriteBlock + threadIdx.x;
            if (k < n_col) store_column(x.row(t)[k], cache.row<Block>(row), k);
        }
    }
}

}  // namespace krait::cuda
