// SPDX-License-Identifier: Apache-2.0
//
// Parameters of mul_mat: y[t, n] = sum over k of x[t, k] * w[n, k] + bias[n] + residual[t, n].
#ifndef KRAIT_VULKAN_MUL_MAT_PARAMS_H
#define KRAIT_VULKAN_MUL_MAT_PARAMS_H

#include "backends/vulkan/shaders/packed_weights.h"

KRAIT_SHARED_BEGIN

struct MulMatParams {
    PackedWeights w;
    Rows x, residual, y;
    uint64_t bias;  // 0: none
    uint64_t n_groups;
    uint64_t w_origin, x_origin;  // of mul_mat_texels: where the blocks of memory begin that the texel buffers cover
    uint32_t n_tok, n_in, n_out;
    uint32_t row_groups;  // work groups that it takes to cover all outputs once
};

KRAIT_SHARED_END

#endif
