// SPDX-License-Identifier: Apache-2.0
#ifndef KRAIT_VULKAN_GET_ROWS_PARAMS_H
#define KRAIT_VULKAN_GET_ROWS_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct GetRowsParams {
    Rows table, y;
    uint64_t ids;
    uint64_t n_row;
    uint32_t n_col;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
