// SPDX-License-Identifier: Apache-2.0
//
// activate, and silu_mul, which is silu with b.
#version 460
#extension GL_GOOGLE_include_directive : require
#define KRAIT_ELEMENT(a, b) (kGated != 0 ? activated(a) * (b) : activated(a))
#include "backends/vulkan/ops/elementwise_params.h"
#include "backends/vulkan/shaders/exponential.glsl"
layout(constant_id = 4) const uint kFunction = 1;  // of core/ops/activation.hpp
layout(constant_id = 5) const uint kGated = 1;

float activated(float a) {
    switch (kFunction) {
        case 2u: return a < 0.0 ? 0.0 : a * a;
        case 3u: return gelu(a);
        case 4u: return gelu_tanh(a);
        case 5u: return sigmoid(a);
        default: return silu(a);
    }
}
vec4 activated(vec4 a) { return vec4(activated(a.x), activated(a.y), activated(a.z), activated(a.w)); }
#include "backends/vulkan/shaders/elementwise.glsl"
