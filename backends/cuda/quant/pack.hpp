// SPDX-License-Identifier: Apache-2.0
//
// A weight of a file, taken apart into the planes of planes.hpp by the host, before it is uploaded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/cuda/quant/planes.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait::cuda {

struct PackedWeight {
    std::vector<std::byte> bytes;
    WeightPlanes offsets;  // pointers are null; where the planes start stands beside
    uint64_t high_at = 0, meta_at = 0;

    // The same planes, with their bytes at `start`.
    WeightPlanes at(const std::byte* start) const;
};

// desc: a weight format, contiguous; rows are those of the last extent.
PackedWeight pack_planes(const TensorDesc& desc, std::span<const std::byte> bytes);

}  // namespace krait::cuda
