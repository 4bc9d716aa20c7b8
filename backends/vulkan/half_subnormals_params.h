// SPDX-License-Identifier: Apache-2.0
//
// Parameters of half_subnormals.comp: which four f16 numbers it converts, and where the results go.
#ifndef KRAIT_VULKAN_HALF_SUBNORMALS_PARAMS_H
#define KRAIT_VULKAN_HALF_SUBNORMALS_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct HalfSubnormalsParams {
    uint64_t result;         // four floats
    uint32_t first, second;  // two f16 each
};

KRAIT_SHARED_END

#endif
