// SPDX-License-Identifier: Apache-2.0
//
// Parameters of ssm_scan (core/ops/ssm_scan.hpp). Channels are c = h * head_dim + p.
#ifndef KRAIT_VULKAN_SSM_SCAN_PARAMS_H
#define KRAIT_VULKAN_SSM_SCAN_PARAMS_H

#include "backends/vulkan/shaders/interface.h"

KRAIT_SHARED_BEGIN

struct SsmScanParams {
    Rows x, dt, B, C, z, y;
    uint64_t dt_bias, A, D;  // 0: absent
    uint64_t state, slot_stride;
    uint64_t seq_start, src_slot, dst_slot, snapshots;
    uint64_t n_groups;
    uint32_t channels, head_dim, heads_per_group, d_state;
    uint32_t channel_groups;  // work groups that it takes to cover all channels once
    uint32_t n_snapshot;
    uint32_t D_per_channel;
    uint32_t dt_softplus;
    float dt_min, dt_max;
};

KRAIT_SHARED_END

#endif
