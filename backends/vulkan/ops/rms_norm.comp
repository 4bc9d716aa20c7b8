// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#include "backends/vulkan/ops/row_params.h"
#include "backends/vulkan/shaders/reduce.glsl"
layout(constant_id = 2) const bool kHasWeight = true;
layout(constant_id = 3) const bool kMean = true;  // rms_norm; l2_norm takes the sum of squares
KRAIT_PARAMS(RowParams);

// A power of two near 1 / largest, so that the squares of scaled values neither overflow nor vanish; at most 2^75, with which the
// smallest normal number's square stays one and an eps below 1e-30 does not overflow.
float scale_for(float largest) {
    const uint exponent = clamp(floatBitsToUint(largest) >> 23, 52u, 253u);
    return uintBitsToFloat((254u - exponent) << 23);
}

// Dispatch: a work group for each group of each row.
void main() {
    const uint64_t g = group_index();
    if (g >= params.n_row * params.n_parts) return;
    const uint64_t row = g / params.n_parts;
    const uint width = params.n_col / params.n_parts, first = uint(g % params.n_parts) * width;
    const uint64_t x = row_address(params.x, row) + uint64_t(first) * 4;
    const uint64_t y = row_address(params.y, row) + uint64_t(first) * 4;
    const uint64_t weight = params.second.address + uint64_t(first) * 4;

    float scale = 1;
    float sum = 0;
    for (uint i = gl_LocalInvocationID.x; i < width; i += kGroupSize) {
        const float v = F32(x).at[i];
        sum += v * v;
    }
    sum = group_sum(sum);
    // The squares overflowed (or there is a NaN, which stays one), or vanished with nothing beside them.
    if (!(sum < 1e38) || (sum < 1e-30 && params.number < 1e-30)) {
        float largest = 0;
        for (uint i = gl_LocalInvocationID.x; i < width; i += kGroupSize) largest = max(largest, abs(F32(x).at[i]));
        scale = scale_for(group_max(largest));
        sum = 0;
        for (uint i = gl_LocalInvocationID.x; i < width; i += kGroupSize) {
            const float v = F32(x).at[i] * scale;
            sum += v * v;
        }
        sum = group_sum(sum);
    }
    const float squares = kMean ? sum / float(width) : sum;
    const float root = sqrt(squares + params.number * scale * scale);
    for (uint i = gl_LocalInvocationID.x; i < width; i += kGroupSize) {
        float v = F32(x).at[i] * scale / root;
        if (kHasWeight) v *= F32(weight).at[i];
        F32(y).at[i] = v;
    }
}
