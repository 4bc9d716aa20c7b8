// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#define KRAIT_ELEMENT(a, b) ((a) + params.scale * (b))
#include "backends/vulkan/shaders/elementwise.glsl"
