// SPDX-License-Identifier: Apache-2.0
//
// combine_experts: a thread takes kCombinePerThread elements of one row, kCombineBlock apart, so that neighbours read
// neighbours; experts one after another. Grid: (columns, rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kCombineBlock = 128;
KRAIT_CONSTANT int kCombinePerThread = 4;
KRAIT_CONSTANT int kCombineSpan = kCombineBlock * kCombinePerThread;

// base: data null = none
template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kCombineBlock) combine_experts_kernel(Rows<const float> x, Rows<const float> weights, Rows<const float> base,
                                                   Rows<float> y, int64_t n_row, int64_t n_used, int64_t width) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t first = static_cast<int64_t>(blockIdx.x) * kCombineSpan + threadIdx.x;
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        float sum[kCombinePerThread] = {};
        for (int64_t i = 0; i < n_used; ++i) {
            const float weight = weights.row(t)[i];
            const float* from = x.row(t) + i * width;
            KRAIT_UNROLL
            for (int j = 0; j < kCombinePerThread; ++j) {
                const int64_t n = first + j * kCombineBlock;
                if (n < width) sum[j] = fused(weight, from[n], sum[j]);
            }
        }
        KRAIT_UNROLL
        for (int j = 0; j < kCombinePerThread; ++j) {
            const int64_t n = first + j * kCombineBlock;
            if (n < width) y.row(t)[n] = base.data ? sum[j] + base.row(t)[n] : sum[j];
        }
    }
}

}  // namespace krait::cuda
