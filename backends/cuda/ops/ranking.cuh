// SPDX-License-Identifier: Apache-2.0
//
// The order that argmax and top_k share: larger values first, of equal ones the smaller index, NaN after everything. As one
// 64-bit key for each element, larger key first, no two alike.
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"

namespace krait::cuda {

KRAIT_DEVICE uint64_t rank_key(float value, uint32_t index) {
    uint32_t order = 0;  // NaN
    if (value == value) {
        const uint32_t bits = float_bits(value + 0.0f);                  // -0 is +0
        order = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;  // -inf becomes 0x007fffff
    }
    return static_cast<uint64_t>(order) << 32 | (0xffffffffu - index);
}

KRAIT_DEVICE uint32_t key_index(uint64_t key) { return 0xffffffffu - static_cast<uint32_t>(key); }

}  // namespace krait::cuda
