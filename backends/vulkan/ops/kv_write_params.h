// SPDX-License-Identifier: Apache-2.0
//
// Parameters of kv_write: rows of x go to rows of a cache, counted through all of its pages.
#ifndef KRAIT_VULKAN_KV_WRITE_PARAMS_H
#define KRAIT_VULKAN_KV_WRITE_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct KvWriteParams {
    Rows x;
    Rows cache;  // from the first column on that is written
    uint64_t rows;
    uint64_t n_groups;
    uint32_t n_unit;  // in a row of x: a float, two halves, a block of Q8_0
    uint32_t groups_per_row;
};

KRAIT_SHARED_END

#endif
