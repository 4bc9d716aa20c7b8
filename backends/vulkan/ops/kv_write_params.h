// SPDX-License-Identifier: Apache-2.0
//
// Parameters of kv_write: rows of x go to rows of a cache, counted through all of its pages.
#ifndef KRAIT_VULKAN_KV_WRITE_PARAMS_H
#define KRAIT_VULKAN_KV_WRITE_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct KvWriteParams {
    Rows x;
    uint64_t rows;
    uint64_t cache;
    uint64_t n_groups;
    uint32_t n_word;  // of 4 bytes, in a row of the cache
    uint32_t groups_per_row;
};

KRAIT_SHARED_END

#endif
