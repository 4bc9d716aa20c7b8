// SPDX-License-Identifier: Apache-2.0
//
// Shared by the host sides of argmax, softmax, top_k and rms_norm: a work group for each row.
#pragma once

#include <algorithm>
#include <bit>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/row_params.h"

namespace krait::vulkan {

// Lanes for a row of n elements: a power of two, at least a subgroup. More lanes than 64 help a GPU to fetch a long row at
// once; a processor that plays GPU gains nothing and pays for each barrier.
inline uint32_t lanes_for(int64_t n, const Recorder& recorder) {
    const uint32_t min_lanes = std::max<uint32_t>(64, recorder.subgroup_size());
    const uint32_t max_lanes = std::min<uint32_t>(recorder.max_lanes(), 512);
    if (recorder.is_cpu()) return min_lanes;
    const uint64_t wanted = std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(n, 1)) / 4 + 1);
    return static_cast<uint32_t>(std::clamp<uint64_t>(wanted, min_lanes, std::max(min_lanes, std::bit_floor(max_lanes))));
}

inline RowParams row_params(const Tensor& x, const Tensor& y) {
    return {
        .x = rows(x), .y = rows(y), .n_row = static_cast<uint64_t>(x.extent(0)), .n_col = static_cast<uint32_t>(x.extent(1))};
}

}  // namespace krait::vulkan
