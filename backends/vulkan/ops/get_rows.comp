// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/get_rows_params.h"
#include "backends/vulkan/shaders/file_blocks.glsl"
layout(constant_id = 2) const uint kFormat = 0;
layout(constant_id = 3) const uint kBlockElements = 1;
layout(constant_id = 4) const uint kBlockBytes = 4;
KRAIT_PARAMS(GetRowsParams);

// Dispatch: a work group a row.
void main() {
    const uint64_t t = group_index();
    if (t >= params.n_row) return;
    const uint64_t row = row_address(params.table, uint64_t(U32(params.ids).at[uint(t)]));
    const uint64_t y = row_address(params.y, t);
    for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) {
        const uint64_t block = row + uint64_t(i / kBlockElements) * kBlockBytes;
        U32(y).at[i] = file_value_bits(kFormat, block, i % kBlockElements);
    }
}
