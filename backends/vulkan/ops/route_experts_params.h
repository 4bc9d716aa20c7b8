// SPDX-License-Identifier: Apache-2.0
//
// Parameters of route_experts: which experts each row goes to, and with what weight.
#ifndef KRAIT_VULKAN_ROUTE_EXPERTS_PARAMS_H
#define KRAIT_VULKAN_ROUTE_EXPERTS_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct RouteExpertsParams {
    Rows logits, ids, weights;
    uint64_t bias;  // 0: none
    uint64_t n_row;
    uint32_t n_expert;
    uint32_t k;
    uint32_t n_group, n_group_used;
    uint32_t normalize;
    float sum_eps, scale;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
