// SPDX-License-Identifier: Apache-2.0
//
// softmax: a block for each row, which it reads three times: largest value, sum, result. -inf gives 0; a NaN makes the sum NaN,
// and so the row; a row of -inf meets -inf - -inf. Grid: (rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kSoftmaxBlock = 256;

KRAIT_GLOBAL(kSoftmaxBlock)
softmax_kernel(Rows<const float> x, Rows<float> y, int64_t n_row, int64_t width, float scale) {
    KRAIT_SHARED(float, partial, kSoftmaxBlock / kWarpSize);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    for (int64_t t = blockIdx.x; t < n_row; t += gridDim.x) {
        const float* from = x.row(t);
        float* to = y.row(t);
        float largest = -bits_float(0x7f800000u);
        for (int64_t i = threadIdx.x; i < width; i += kSoftmaxBlock) largest = LargestOf()(largest, scale * from[i]);
        largest = reduce_block<kSoftmaxBlock>(largest, partial, LargestOf());
        float sum = 0;
        for (int64_t i = threadIdx.x; i < width; i += kSoftmaxBlock) sum += exp_accurate(fused(scale, from[i], -largest));
        sum = reduce_block<kSoftmaxBlock>(sum, partial, SumOf());
        for (int64_t i = threadIdx.x; i < width; i += kSoftmaxBlock)
            to[i] = divide(exp_accurate(fused(scale, from[i], -largest)), sum);
    }
}

}  // namespace krait::cuda
