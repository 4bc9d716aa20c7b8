// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#define KRAIT_BITS
#define KRAIT_FROM (i * kVector < params.n_left ? a : b - uint64_t(params.n_left) * 4)
#include "backends/vulkan/shaders/elementwise.glsl"
