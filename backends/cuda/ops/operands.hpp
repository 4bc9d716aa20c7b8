// SPDX-License-Identifier: Apache-2.0
//
// From a node's operands to what kernels take.
#pragma once

#include "backends/cuda/kernels.hpp"
#include "backends/cuda/kernels/launch.cuh"
#include "backends/cuda/kernels/rows.cuh"

namespace krait::cuda {

// Absent operands give null.
template <class T>
Rows<const T> input_rows(const Tensor& t) {
    return {static_cast<const T*>(t.data), t ? t.desc.stride[0] : 0};
}
template <class T>
Rows<T> output_rows(const Tensor& t) {
    return {static_cast<T*>(t.data), t.desc.stride[0]};
}
template <class T>
const T* input_elements(const Tensor& t) {
    return static_cast<const T*>(t.data);
}

}  // namespace krait::cuda
