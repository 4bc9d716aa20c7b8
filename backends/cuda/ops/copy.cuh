// SPDX-License-Identifier: Apache-2.0
//
// Rows of 32-bit words, bit for bit. Grid as in elementwise.cuh.
#pragma once

#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kCopyBlock = 128;
KRAIT_CONSTANT int kCopySpan = 4 * kCopyBlock;

KRAIT_GLOBAL(kCopyBlock)
copy_kernel(Rows<const uint32_t> x, Rows<uint32_t> y, int64_t n_row, int64_t n_col) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t first = static_cast<int64_t>(blockIdx.x) * kCopySpan + threadIdx.x;
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y)
        for (int i = 0; i < kCopySpan / kCopyBlock; ++i) {
            const int64_t k = first + i * kCopyBlock;
            if (k < n_col) y.row(t)[k] = x.row(t)[k];
        }
}

}  // namespace krait::cuda
