// SPDX-License-Identifier: Apache-2.0
//
// Parameters of get_rows: the table is packed weights, or rows of float32 where it is a value.
#ifndef KRAIT_VULKAN_GET_ROWS_PARAMS_H
#define KRAIT_VULKAN_GET_ROWS_PARAMS_H

#include "backends/vulkan/shaders/packed_weights.h"

KRAIT_SHARED_BEGIN

struct GetRowsParams {
    PackedWeights packed;
    Rows values, y;
    uint64_t ids;
    uint64_t n_groups;
    uint32_t n_col;
    uint32_t groups_per_row;
};

KRAIT_SHARED_END

#endif
