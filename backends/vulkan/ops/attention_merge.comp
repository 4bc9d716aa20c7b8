// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Results of the parts of attention become one, in the order of the parts. Dispatch: a lane is an element of y.
#include "backends/vulkan/shaders/attention.glsl"

void main() {
    const uint64_t task = group_index() * kGroupSize + gl_LocalInvocationID.x;
    if (task >= uint64_t(params.n_tok) * params.n_head * params.v_dim) return;
    const uint column = uint(task % params.v_dim);
    const uint64_t row = task / params.v_dim;
    const uint head = uint(row % params.n_head), token = params.first_tok + uint(row / params.n_head);
    const int last = I32(params.positions).at[token];
    float y = 0.0;
    if (last >= 0) {
        // Other parts have not been written.
        const uint first_part = uint(first_place(last)) / params.part_places, last_part = uint(last) / params.part_places;
        float largest = kMinusInfinity, sum = 0.0, total = 0.0;
        for (uint part = first_part; part <= last_part; ++part)
            largest = max(largest, F32(partial_address(token, head, part)).at[params.v_dim]);
        for (uint part = first_part; part <= last_part; ++part) {
            F32 of_part = F32(partial_address(token, head, part));
            const float weight = exp_of(of_part.at[params.v_dim] - reference_of(largest));
            if (weight != 0.0) sum += weight * of_part.at[column];
            total += weight * of_part.at[params.v_dim + 1u];
        }
        y = weighted_mean(sum, total);
    }
    F32(row_address(params.y, token)).at[head * params.v_dim + column] = y;
}
