// SPDX-License-Identifier: Apache-2.0
//
// argmax: a block for each row. Grid: (rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"
#include "backends/cuda/ops/ranking.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kArgmaxBlock = 256;

KRAIT_GLOBAL(kArgmaxBlock)
argmax_kernel(Rows<const float> x, int32_t* y, int64_t width) {
    KRAIT_SHARED(uint64_t, partial, kArgmaxBlock / kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const float* from = x.row(blockIdx.x);
    uint64_t best = 0;
    for (int64_t i = threadIdx.x; i < width; i += kArgmaxBlock)
        best = MaximumOf()(best, rank_key(from[i], static_cast<uint32_t>(i)));
    best = reduce_block<kArgmaxBlock>(best, partial, MaximumOf());
    if (threadIdx.x == 0) y[blockIdx.x] = static_cast<int32_t>(key_index(best));
}

}  // namespace krait::cuda
