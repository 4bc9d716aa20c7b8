// SPDX-License-Identifier: Apache-2.0
//
// The launch of rms_norm.cuh.
#pragma once

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "backends/cuda/ops/rms_norm.cuh"

namespace krait::cuda {

// weight may be absent; divisor as in norm_root.
inline void launch_norm(const char* name, const Tensor& x, const Tensor& weight, const Tensor& y, int32_t groups, float divisor,
                        float eps, Context& context) {
    const int64_t n_row = x.extent(0), width = x.extent(1) / groups;
    if (width == 0) return;
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream, {.name = name, .grid = {static_cast<uint32_t>(groups), rows}, .block = {kNormBlock}},
           &rms_norm_kernel<>, input_rows<float>(x), input_elements<float>(weight), output_rows<float>(y), n_row, width,
           divisor, eps);
}

}  // namespace krait::cuda
