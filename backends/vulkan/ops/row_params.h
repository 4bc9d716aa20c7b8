// SPDX-License-Identifier: Apache-2.0
//
// Parameters of ops that treat each row by itself with one work group: argmax, softmax, top_k, rms_norm, l2_norm.
#ifndef KRAIT_VULKAN_ROW_PARAMS_H
#define KRAIT_VULKAN_ROW_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct RowParams {
    Rows x, y;
    Rows second;  // rms_norm: weight; top_k: indices
    uint64_t n_row;
    uint32_t n_col;
    uint32_t n_parts;  // norms: groups of a row; top_k: how many ranks this dispatch finds
    float number;      // norms: eps; softmax: scale
    uint32_t first;    // top_k: the first of these ranks
};

KRAIT_SHARED_END

#endif
