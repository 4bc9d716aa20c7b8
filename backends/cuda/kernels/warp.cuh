// SPDX-License-Identifier: Apache-2.0
//
// Sums and maxima over a warp and over a block; every lane gets the result, in the same bits every time.
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kWarpSize = 32;

struct SumOf {
    template <class T>
    KRAIT_DEVICE T operator()(T a, T b) const {
        return a + b;
    }
};
struct MaximumOf {  // of integers
    template <class T>
    KRAIT_DEVICE T operator()(T a, T b) const {
        return a > b ? a : b;
    }
};
struct LargestOf {  // of float32: a NaN never wins
    KRAIT_DEVICE float operator()(float a, float b) const { return b > a ? b : a; }
};

template <class T, class Combine>
KRAIT_DEVICE T reduce_warp(T value, Combine combine) {
    KRAIT_UNROLL
    for (uint32_t step = kWarpSize / 2; step > 0; step /= 2) value = combine(value, shuffle_xor(value, step));
    return value;
}

// All threads of a block of kThreads call it. `partial` is shared, kThreads / 32 elements, free for the next use when all
// return.
template <int kThreads, class T, class Combine>
KRAIT_DEVICE T reduce_block(T value, T* partial, Combine combine) {
    value = reduce_warp(value, combine);
    if constexpr (kThreads > kWarpSize) {
        if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
        block_barrier();
        value = partial[0];
        KRAIT_UNROLL
        for (int warp = 1; warp < kThreads / kWarpSize; ++warp) value = combine(value, partial[warp]);
        block_barrier();
    }
    return value;
}

}  // namespace krait::cuda
