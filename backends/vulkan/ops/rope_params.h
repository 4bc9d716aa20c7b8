// SPDX-License-Identifier: Apache-2.0
//
// Parameters of rope, and the table behind them: an angle for each pair.
#ifndef KRAIT_VULKAN_ROPE_PARAMS_H
#define KRAIT_VULKAN_ROPE_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct RopeParams {
    Rows x, y;
    uint64_t positions;
    uint64_t factors;  // read where the shader's kHasFactors is set
    uint64_t n_groups;
    uint32_t groups_per_row;
    uint32_t n_head, head_dim;
    uint32_t n_rot;
    uint32_t columns;  // lanes that a head takes, each for two elements
    float magnitude;
};

// The angle of a pair at position 1, in turns. Without factors its fraction: word * 2^-64. With them, which the shader divides
// by, all of it: word * 2^(exponent - 64), the upper bit of word set.
struct RopeAngle {
    uint64_t word;
    int32_t exponent;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
