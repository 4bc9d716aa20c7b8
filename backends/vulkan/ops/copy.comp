// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
#define KRAIT_BITS
#define KRAIT_FROM a
#include "backends/vulkan/shaders/elementwise.glsl"
