// SPDX-License-Identifier: Apache-2.0
//
// Parameters of ssm_conv, in all three ways to dispatch it.
#ifndef KRAIT_VULKAN_SSM_CONV_PARAMS_H
#define KRAIT_VULKAN_SSM_CONV_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct SsmConvParams {
    Rows x, y;
    uint64_t weight;  // [channels, kConv]
    uint64_t bias;
    uint64_t pool;
    uint64_t slot_stride;  // bytes
    uint64_t seq_start, src_slot, dst_slot, snapshots;
    uint32_t n_tok, n_seq, n_snapshot;
    uint32_t channels;
    uint32_t rows_per_group;
    uint32_t unused;
};

KRAIT_SHARED_END

#endif
