// SPDX-License-Identifier: Apache-2.0
//
// Reductions over a work group; every lane gets the result, and every lane must call. With subgroup operations (KRAIT_SUBGROUPS)
// each subgroup reduces by itself and its results meet in shared memory; without, all of it is a tree in shared memory. The
// order of a sum is the same in every run.
#ifndef KRAIT_REDUCE_GLSL
#define KRAIT_REDUCE_GLSL

#include "backends/vulkan/shaders/krait.glsl"

#if defined(KRAIT_SUBGROUPS)
#define KRAIT_REDUCTION(name, Type, scratch, of_subgroup, combine)                    \
    Type name(Type v) {                                                              \
        v = of_subgroup(v);                                                          \
        if (gl_NumSubgroups == 1) return v;                                          \
        if (gl_SubgroupInvocationID == 0) scratch[gl_SubgroupID] = v;                \
        barrier();                                                                   \
        Type all = scratch[0];                                                       \
        for (uint i = 1; i < gl_NumSubgroups; ++i) all = combine(all, scratch[i]);   \
        barrier();                                                                   \
        return all;                                                                  \
    }
#else
#define KRAIT_REDUCTION(name, Type, scratch, of_subgroup, combine)                                     \
    Type name(Type v) {                                                                               \
        scratch[gl_LocalInvocationID.x] = v;                                                          \
        barrier();                                                                                    \
        for (uint half_size = kGroupSize / 2; half_size > 0; half_size /= 2) {                        \
            if (gl_LocalInvocationID.x < half_size)                                                   \
                scratch[gl_LocalInvocationID.x] =                                                     \
                    combine(scratch[gl_LocalInvocationID.x], scratch[gl_LocalInvocationID.x + half_size]); \
            barrier();                                                                                \
        }                                                                                             \
        const Type all = scratch[0];                                                                  \
        barrier();                                                                                    \
        return all;                                                                                   \
    }
#endif

// kGroupSize is a power of two.
shared float reduce_floats[kGroupSize];
shared uint reduce_words[kGroupSize];

float sum_of(float a, float b) { return a + b; }
KRAIT_REDUCTION(group_sum, float, reduce_floats, subgroupAdd, sum_of)
KRAIT_REDUCTION(group_max, float, reduce_floats, subgroupMax, max)
KRAIT_REDUCTION(group_max, uint, reduce_words, subgroupMax, max)
KRAIT_REDUCTION(group_min, uint, reduce_words, subgroupMin, min)

#endif
