// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/row_params.h"
#include "backends/vulkan/shaders/order.glsl"
#include "backends/vulkan/shaders/reduce.glsl"
KRAIT_PARAMS(RowParams);

const uint kNone = 0xffffffffu;

// Dispatch: a work group a row. Each lane keeps the best of its own elements that have not been taken; k times the best of all
// lanes is taken, and its lane looks for its next one.
void main() {
    const uint64_t row = group_index();
    if (row >= params.n_row) return;
    const uint64_t x = row_address(params.x, row);
    uint taken_key = kNone, taken_at = 0;  // the last one of this lane's that was taken: what follows it is free
    uint key = 0, at = kNone;
    bool look = true;
    for (uint rank = 0; rank < params.n_parts; ++rank) {
        if (look) {
            key = 0;
            at = kNone;
            for (uint i = gl_LocalInvocationID.x; i < params.n_col; i += kGroupSize) {
                const uint candidate = order_key(U32(x).at[i]);
                const bool is_free = candidate < taken_key || (candidate == taken_key && i > taken_at);
                if (is_free && (at == kNone || candidate > key)) {
                    key = candidate;
                    at = i;
                }
            }
        }
        const uint most = group_max(at == kNone ? 0u : key);
        const uint first = group_min(key == most ? at : kNone);
        look = at == first;
        if (look) {
            taken_key = key;
            taken_at = at;
            U32(row_address(params.y, row)).at[rank] = U32(x).at[at];
            U32(row_address(params.second, row)).at[rank] = at;
        }
    }
}
