// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/row_params.h"
#include "backends/vulkan/shaders/order.glsl"
#include "backends/vulkan/shaders/reduce.glsl"
KRAIT_PARAMS(RowParams);

// Dispatch: a work group a row.
void main() {
    const uint64_t row = group_index();
    if (row >= params.n_row) return;
    const uint64_t x = row_address(params.x, row);
    uint best = 0, at = 0xffffffffu;
    for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) {
        const uint key = order_key(U32(x).at[i]);
        if (key > best || at == 0xffffffffu) {
            best = key;
            at = i;
        }
    }
    const uint largest = group_max(at == 0xffffffffu ? 0u : best);
    const uint first = group_min(best == largest ? at : 0xffffffffu);
    if (gl_LocalInvocationID.x == 0) U32(row_address(params.y, row)).at[0] = first;
}
