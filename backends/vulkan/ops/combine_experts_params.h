// SPDX-License-Identifier: Apache-2.0
//
// Parameters of combine_experts: y[t, n] = sum over i of weights[t, i] * x[t, i, n] + base[t, n].
#ifndef KRAIT_VULKAN_COMBINE_EXPERTS_PARAMS_H
#define KRAIT_VULKAN_COMBINE_EXPERTS_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct CombineExpertsParams {
    Rows x, weights, y;
    Rows base;  // read where the shader's kHasBase is set
    uint64_t n_groups;
    uint32_t groups_per_row;
    uint32_t n_used;
    uint32_t n_col;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
