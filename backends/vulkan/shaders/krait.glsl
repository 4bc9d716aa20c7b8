// SPDX-License-Identifier: Apache-2.0
//
// What every shader begins with: memory by address, parameters, the index of a work group.
//
// A shader declares
//     #version 460
//     #extension GL_GOOGLE_include_directive : require
//     #include "backends/vulkan/ops/row_params.h"
//     #include "backends/vulkan/shaders/krait.glsl"
//     KRAIT_PARAMS(RowParams);                      // params.x, params.n_col, ...
// constant_id 0 is the work-group size, 1 the subgroup size (1: there are none), 2 and more are the shader's own.
#ifndef KRAIT_GLSL
#define KRAIT_GLSL

#include "backends/vulkan/shaders/interface.h"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint kGroupSize = 64;
layout(constant_id = 1) const uint kSubgroupSize = 1;

// Memory by address: F32(address).at[i].
layout(buffer_reference, std430, buffer_reference_align = 4) buffer F32 { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer F32x4 { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer I32 { int at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer U32 { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer U32x4 { uvec4 at[]; };

// The block of parameters of this dispatch.
#define KRAIT_PARAMS(Type)                                                                                        \
    layout(buffer_reference, std430, buffer_reference_align = 64) readonly buffer Type##Block { Type block; }; \
    layout(push_constant) uniform Push { Type##Block params_at; }
// The same with a table behind it (Recorder::dispatch): params_at.table[i].
#define KRAIT_PARAMS_AND_TABLE(Type, Entry)                                                                       \
    layout(buffer_reference, std430, buffer_reference_align = 64) readonly buffer Type##Block { Type block; Entry table[]; }; \
    layout(push_constant) uniform Push { Type##Block params_at; }
#define params params_at.block

// Work groups are counted in a grid (Recorder::groups).
uint64_t group_index() { return uint64_t(gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

uint64_t row_address(Rows rows, uint64_t t) { return rows.address + t * rows.stride; }

// By bits: compilers may take isnan() for false.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }

#endif
