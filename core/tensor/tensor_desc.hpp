// SPDX-License-Identifier: Apache-2.0
//
// Shapes: extents, byte strides, views. TensorDesc is the ABI's own struct; these are the functions on it.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "core/tensor/dtype.hpp"

namespace krait {

using TensorDesc = krait_tensor_desc;

inline DType dtype_of(const TensorDesc& t) { return static_cast<DType>(t.dtype); }
inline int64_t last_extent(const TensorDesc& t) { return t.extent[t.rank - 1]; }

inline int64_t element_count(const TensorDesc& t) {
    int64_t n = 1;
    for (uint32_t i = 0; i < t.rank; ++i) n *= t.extent[i];
    return n;
}

// Everything but the last extent.
inline int64_t row_count(const TensorDesc& t) {
    int64_t n = 1;
    for (uint32_t i = 0; i + 1 < t.rank; ++i) n *= t.extent[i];
    return n;
}

// Contiguous; rank 1..KRAIT_MAX_RANK; a quantized last extent must be whole blocks (check_desc).
TensorDesc make_desc(DType dtype, std::span<const int64_t> extents);
inline TensorDesc make_desc(DType dtype, std::initializer_list<int64_t> extents) {
    return make_desc(dtype, std::span<const int64_t>(extents.begin(), extents.size()));
}

// Bytes of one index of the first extent when everything under it is contiguous; all of the bytes for rank 1.
inline int64_t inner_bytes(const TensorDesc& t) {
    int64_t bytes = row_bytes(dtype_of(t), last_extent(t));
    for (uint32_t i = 1; i + 1 < t.rank; ++i) bytes *= t.extent[i];
    return bytes;
}

// "Row-strided": everything under the first extent is contiguous, rows of the first extent may lie further apart.
// This is what every op accepts for its activations; a rank-1 tensor must be contiguous.
bool is_row_strided(const TensorDesc& t);

inline bool is_contiguous(const TensorDesc& t) {
    return is_row_strided(t) && (t.rank <= 1 || t.extent[0] <= 1 || t.stride[0] == inner_bytes(t));
}

// Bytes from the first element to the end of the last one; 0 for an empty tensor.
int64_t span_bytes(const TensorDesc& t);

inline bool same_shape(const TensorDesc& a, const TensorDesc& b) {
    if (a.rank != b.rank) return false;
    for (uint32_t i = 0; i < a.rank; ++i)
        if (a.extent[i] != b.extent[i]) return false;
    return true;
}

// "F32 [4, 768]"
std::string to_string(const TensorDesc& t);

// Known type, rank in range, no negative extent, whole blocks, no overflow of the element count.
Result<void> check_desc(const TensorDesc& t);

}  // namespace krait
