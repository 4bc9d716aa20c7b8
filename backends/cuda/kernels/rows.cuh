// SPDX-License-Identifier: Apache-2.0
//
// Operands as kernels take them: a row-strided tensor of plain elements.
#pragma once

#include "backends/cuda/kernels/intrinsics.cuh"

namespace krait::cuda {

template <class T>
struct Rows {
    T* data;
    int64_t stride;  // bytes from row to row

#if defined(__CUDACC__)
    __host__ __device__
#endif
        T*
        row(int64_t t) const {
        using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
        return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + t * stride);
    }
};

// Whether rows can be read as vectors of `size` bytes.
template <class T>
bool aligned_rows(const Rows<T>& rows, size_t size) {
    return reinterpret_cast<uintptr_t>(rows.data) % size == 0 && rows.stride % static_cast<int64_t>(size) == 0;
}

}  // namespace krait::cuda
