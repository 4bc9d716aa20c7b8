// SPDX-License-Identifier: Apache-2.0
//
// Element by element: a thread takes kPerThread elements of one row, kBlock apart, so that neighbours read neighbours.
// Grid: (columns, rows).
#pragma once

#include "backends/cuda/kernels/activation.cuh"
#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kElementBlock = 128;
KRAIT_CONSTANT int kElementsPerThread = 4;
KRAIT_CONSTANT int kElementSpan = kElementBlock * kElementsPerThread;  // columns of a block

// y = f(a, b)
template <class Function>
KRAIT_GLOBAL(kElementBlock)
elementwise_kernel(Rows<const float> a, Rows<const float> b, Rows<float> y, int64_t n_row, int64_t n_col, Function f) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t first = static_cast<int64_t>(blockIdx.x) * kElementSpan + threadIdx.x;
    for (int64_t t = blockIdx.y; t < n_row; t += gridDim.y) {
        const float* a_row = a.row(t);
        const float* b_row = b.row(t);
        float* y_row = y.row(t);
        for (int i = 0; i < kElementsPerThread; ++i) {
            const int64_t k = first + i * kElementBlock;
            if (k < n_col) y_row[k] = f(a_row[k], b_row[k]);
        }
    }
}

struct AddFunction {
    KRAIT_DEVICE float operator()(float a, float b) const { return a + b; }
};
struct MulFunction {
    KRAIT_DEVICE float operator()(float a, float b) const { return a * b; }
};
template <ops::Activation kFunction, bool kGated>
struct ActivateFunction {
    KRAIT_DEVICE float operator()(float a, float b) const {
        const float value = activated<kFunction>(a);
        return kGated ? value * b : value;
    }
};
struct ScaleFunction {
    float scale, bias;
    KRAIT_DEVICE float operator()(float a, float) const { return fused(a, scale, bias); }
};
struct ScaleAddFunction {
    float scale;
    KRAIT_DEVICE float operator()(float a, float b) const { return fused(scale, b, a); }
};

}  // namespace krait::cuda
