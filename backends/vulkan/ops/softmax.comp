// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/row_params.h"
#include "backends/vulkan/shaders/reduce.glsl"
KRAIT_PARAMS(RowParams);

// Dispatch: a work group a row. NaNs are left out of the maximum and make the sum, and so the row, NaN.
void main() {
    const uint64_t row = group_index();
    if (row >= params.n_row) return;
    const uint64_t x = row_address(params.x, row), y = row_address(params.y, row);
    float largest = uintBitsToFloat(0xff800000u);  // -infinity
    for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) {
        const float v = F32(x).at[i] * params.number;
        if (!is_nan(v) && v > largest) largest = v;
    }
    largest = group_max(largest);
    float sum = 0;
    for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) sum += exp(F32(x).at[i] * params.number - largest);
    sum = group_sum(sum);
    for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize)
        F32(y).at[i] = exp(F32(x).at[i] * params.number - largest) / sum;
}
