// SPDX-License-Identifier: Apache-2.0
//
// Rows of 32-bit words, bit for bit: copy and concat. Grid as in elementwise.cuh; concat has its two operands along z.
#pragma once

#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kCopyBlock = 128;
KRAIT_CONSTANT int kCopySpan = 4 * kCopyBlock;

struct CopiedRows {
    Rows<const uint32_t> from;
    Rows<uint32_t> to;
    int64_t n_row, n_col;
};

KRAIT_DEVICE void copy_block(const CopiedRows& rows) {
    const int64_t first = static_cast<int64_t>(blockIdx.x) * kCopySpan + threadIdx.x;
    for (int64_t t = blockIdx.y; t < rows.n_row; t += gridDim.y)
        for (int i = 0; i < kCopySpan / kCopyBlock; ++i) {
            const int64_t k = first + i * kCopyBlock;
            if (k < rows.n_col) rows.to.row(t)[k] = rows.from.row(t)[k];
        }
}

template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kCopyBlock) copy_kernel(CopiedRows rows) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    copy_block(rows);
}

template <int = 0>
KRAIT_GLOBAL(kCopyBlock)
concat_kernel(CopiedRows a, CopiedRows b) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    if (blockIdx.z == 0) copy_block(a);
    else copy_block(b);
}

}  // namespace krait::cuda
