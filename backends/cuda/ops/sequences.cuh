// SPDX-License-Identifier: Apache-2.0
//
// The sequences of a ragged run (core/ops/ragged.hpp) as kernels read them, and the pool that their state lies in.
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"

namespace krait::cuda {

struct Sequences {
    const int32_t* start;     // [n_seq + 1]
    const int32_t* src_slot;  // [n_seq]
    const int32_t* dst_slot;
    const int32_t* snapshots;  // [n_snapshot, 2] (row, slot)
    int32_t n_seq;
    int32_t n_snapshot;
};

struct StateSlots {
    char* data;
    int64_t stride;  // bytes from slot to slot

    KRAIT_DEVICE float* slot(int32_t index) const { return reinterpret_cast<float*>(data + index * stride); }
};

}  // namespace krait::cuda
