// SPDX-License-Identifier: Apache-2.0
//
// Read by C++ and GLSL: types of the parameter blocks that the host side of an op fills and its shader reads
// (ops/<op>_params.h). Only uint64_t, uint32_t, int32_t, float and structs of these, larger ones first, so that C++ and std430
// lay them out alike.
#ifndef KRAIT_VULKAN_INTERFACE_H
#define KRAIT_VULKAN_INTERFACE_H

#if defined(__cplusplus)
#include <cstdint>
#define KRAIT_SHARED_BEGIN namespace krait::vulkan {
#define KRAIT_SHARED_END }
#else
// All extensions that shaders use: GLSL wants them before everything else.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int32 : require
#if defined(KRAIT_SUBGROUPS)
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#endif
#define KRAIT_SHARED_BEGIN
#define KRAIT_SHARED_END
#endif

KRAIT_SHARED_BEGIN

// A row-strided operand: row t begins at address + t * stride (bytes). Address 0: the operand is absent.
struct Rows {
    uint64_t address;
    uint64_t stride;
};

KRAIT_SHARED_END

#endif
