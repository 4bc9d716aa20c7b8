// SPDX-License-Identifier: Apache-2.0
//
// mul_mat on processors that play GPU, with subgroup operations (KRAIT_SUBGROUPS): shaders/mul_mat.glsl reading texel buffers.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define KRAIT_TEXELS
#include "backends/vulkan/shaders/mul_mat.glsl"
