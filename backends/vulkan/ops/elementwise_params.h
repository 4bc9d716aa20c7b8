// SPDX-License-Identifier: Apache-2.0
//
// Parameters of shaders/elementwise.glsl: y[t, i] = f(a[t, i], b[t, i]); b's stride is 0 where it is one row for all.
#ifndef KRAIT_VULKAN_ELEMENTWISE_PARAMS_H
#define KRAIT_VULKAN_ELEMENTWISE_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct ElementwiseParams {
    Rows a, b, y;
    uint64_t n_groups;
    uint32_t n_col;
    uint32_t groups_per_row;  // work groups; each covers kGroupSize * kPerLane elements of one row
    uint32_t n_left;          // concat: columns of a
    float scale, bias;
};

KRAIT_SHARED_END

#endif
