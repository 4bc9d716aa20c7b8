// SPDX-License-Identifier: Apache-2.0
//
// The launch of elementwise.cuh.
#pragma once

#include <algorithm>

#include "backends/cuda/ops/elementwise.cuh"
#include "backends/cuda/ops/operands.hpp"

namespace krait::cuda {

// b: as many rows as a, or one for all.
template <class Function>
void launch_elementwise(const char* name, const Tensor& a, const Tensor& b, const Tensor& y, Function f, Context& context) {
    const int64_t n_row = a.extent(0), n_col = a.extent(1);
    Rows<const float> b_rows = input_rows<float>(b);
    if (b.extent(0) == 1) b_rows.stride = 0;
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream, {.name = name, .grid = {blocks_for(n_col, kElementSpan), rows}, .block = {kElementBlock}},
           &elementwise_kernel<Function>, input_rows<float>(a), b_rows, output_rows<float>(y), n_row, n_col, f);
}

}  // namespace krait::cuda
