// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
//
// What this device makes of four f16 numbers that it is given at run time (half_subnormals.hpp). Dispatch: one work group of one lane.
#include "backends/vulkan/shaders/krait.glsl"
#include "backends/vulkan/half_subnormals_params.h"

KRAIT_PARAMS(HalfSubnormalsParams);

void main() {
    F32x4(params.result).at[0] = vec4(unpackHalf2x16(params.first), unpackHalf2x16(params.second));
}
