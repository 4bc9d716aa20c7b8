// SPDX-License-Identifier: Apache-2.0
//
// kv_write: a thread for each element of x. Grid: (columns, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "core/quant/half.hpp"

namespace krait::cuda {

KRAIT_CONSTANT int kKvWriteBlock = 128;
KRAIT_CONSTANT int kKvWriteSpan = 2 * kKvWriteBlock;

// A float32 as its bits: an F32 cache keeps them all.
KRAIT_DEVICE void store_element(uint32_t bits, uint32_t& to) { to = bits; }
KRAIT_DEVICE void store_element(uint32_t bits, uint16_t& to) { to = f32_to_f16(__builtin_bit_cast(float, bits)); }

// cache: rows of n_col elements, one after another through all pages. rows[t] < 0: row t goes nowhere.
template <class Element>
KRAIT_GLOBAL(kKvWriteBlock)
kv_write_kernel(Rows<const uint32_t> x, const int32_t* rows, Element* cache, int64_t n_row, int64_t n_col) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        const int64_t row = rows[t];
        if (row < 0) continue;
        for (int i = 0; i < kKvWriteSpan / kKvWriteBlock; ++i) {
            const int64_t k = static_cast<int64_t>(blockIdx.x) * kKvWriteSpan + i * kKvWriteBlock + threadIdx.x;
            if (k < n_col) store_element(x.row(t)[k], cache[row * n_col + k]);
        }
    }
}

}  // namespace krait::cuda
