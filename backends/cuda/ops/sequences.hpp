// SPDX-License-Identifier: Apache-2.0
//
// From the operands that ssm_conv and ssm_scan share to what kernels take.
#pragma once

#include "backends/cuda/ops/operands.hpp"
#include "backends/cuda/ops/sequences.cuh"

namespace krait::cuda {

template <class In>
Sequences sequences_of(const In& in) {
    return {input_elements<int32_t>(in.seq_start),       input_elements<int32_t>(in.src_slot),
            input_elements<int32_t>(in.dst_slot),        input_elements<int32_t>(in.snapshots),
            static_cast<int32_t>(in.src_slot.extent(0)), in.snapshots ? static_cast<int32_t>(in.snapshots.extent(0)) : 0};
}

inline StateSlots slots_of(const Tensor& state) {
    const MemoryPool& pool = pool_of(state);
    return {reinterpret_cast<char*>(pool.data()), pool.slot_stride()};
}

}  // namespace krait::cuda
