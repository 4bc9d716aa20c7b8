// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#define KRAIT_ELEMENT(a, b) (silu(a) * (b))
#include "backends/vulkan/ops/elementwise_params.h"
#include "backends/vulkan/shaders/exponential.glsl"
vec4 silu(vec4 a) { return vec4(silu(a.x), silu(a.y), silu(a.z), silu(a.w)); }
#include "backends/vulkan/shaders/elementwise.glsl"
