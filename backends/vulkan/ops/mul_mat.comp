// SPDX-License-Identifier: Apache-2.0
//
// mul_mat for few rows of x, with subgroup operations (KRAIT_SUBGROUPS) or without: shaders/mul_mat.glsl.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "backends/vulkan/shaders/mul_mat.glsl"
