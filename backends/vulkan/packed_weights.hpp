// SPDX-License-Identifier: Apache-2.0
//
// Weights as the kernels want them (shaders/packed_weights.h): made from the file's rows while they are uploaded.
#pragma once

#include <cstddef>
#include <span>

#include "backends/vulkan/shaders/packed_weights.h"
#include "core/tensor/tensor_desc.hpp"

namespace krait::vulkan {

// The word that tells a kernel how weights of a format lie in memory.
uint32_t packing_of(DType dtype);

// Sizes and offsets for [rows, columns] of a format, or for each of the matrices that follow one another in
// [n_expert, rows, columns]; address is 0.
PackedWeights packed_shape(const TensorDesc& desc);
inline uint64_t matrix_bytes(const PackedWeights& shape) { return shape.n_panels * shape.panel_bytes; }
inline uint64_t packed_bytes(const TensorDesc& desc) {
    return matrix_bytes(packed_shape(desc)) * static_cast<uint64_t>(desc.rank == 3 ? desc.extent[0] : 1);
}

// Writes panel `panel`, counted through all matrices, of the tensor whose bytes, as in a file, are `rows`. out: panel_bytes.
void pack_panel(const TensorDesc& desc, std::span<const std::byte> rows, uint64_t panel, std::span<std::byte> out);

}  // namespace krait::vulkan
