// SPDX-License-Identifier: Apache-2.0
//
// get_rows: a thread for each element of the result. Grid: (columns, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/quant/planes.hpp"

namespace krait::cuda {

KRAIT_CONSTANT int kGetRowsBlock = 128;
KRAIT_CONSTANT int kGetRowsSpan = 2 * kGetRowsBlock;

template <class Block>
KRAIT_GLOBAL(kGetRowsBlock)
get_rows_kernel(WeightPlanes table, const int32_t* ids, Rows<float> y, int64_t n_row, int64_t n_col) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        const int64_t id = ids[t];
        for (int i = 0; i < kGetRowsSpan / kGetRowsBlock; ++i) {
            const int64_t k = static_cast<int64_t>(blockIdx.x) * kGetRowsSpan + i * kGetRowsBlock + threadIdx.x;
            if (k < n_col) y.row(t)[k] = plane_value<Block>(table, id, k);
        }
    }
}

}  // namespace krait::cuda
