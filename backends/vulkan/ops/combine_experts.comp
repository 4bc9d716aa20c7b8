// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Dispatch: groups_per_row work groups a row; a lane computes kVector results, 4 where all rows are made of aligned groups of four.
#include "backends/vulkan/ops/combine_experts_params.h"
#include "backends/vulkan/shaders/krait.glsl"

layout(constant_id = 2) const uint kVector = 1;
layout(constant_id = 3) const bool kHasBase = true;
KRAIT_PARAMS(CombineExpertsParams);

#define KRAIT_COMBINE(Type, Access)                                                                         \
    {                                                                                                       \
        Type sum = Type(0.0);                                                                               \
        for (uint i = 0; i < params.n_used; ++i) sum += F32(weights).at[i] * Access(x).at[i * n_vector + at]; \
        if (kHasBase) sum += Access(row_address(params.base, t)).at[at];                                    \
        Access(row_address(params.y, t)).at[at] = sum;                                                      \
    }

void main() {
    const uint64_t g = group_index();
    if (g >= params.n_groups) return;
    const uint64_t t = g / params.groups_per_row;
    const uint at = uint(g % params.groups_per_row) * kGroupSize + gl_LocalInvocationID.x, n_vector = params.n_col / kVector;
    if (at >= n_vector) return;
    const uint64_t x = row_address(params.x, t), weights = row_address(params.weights, t);
    if (kVector == 4) KRAIT_COMBINE(vec4, F32x4)
    else KRAIT_COMBINE(float, F32)
}
