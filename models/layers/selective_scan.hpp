// SPDX-License-Identifier: Apache-2.0
//
// The scan of Mamba and Mamba-2 (core/ops/ssm_scan.hpp) over the weights ssm_a, ssm_d and ssm_dt.bias, with the state S as
// memory. softplus and the bias of dt, D and the gate are computed inside it.
#pragma once

#include "models/layers/layer_context.hpp"

namespace krait {

struct SelectiveScan {
    int64_t n_head = 0, head_dim = 0, d_state = 0;
    bool scalar_a = false;  // A is one number a head (Mamba-2) instead of d_state numbers

    std::vector<WeightSpec> weights() const;
    MemorySpec memory() const;

    struct Values {
        graph::TensorId x, dt, B, C, z;  // shapes: core/ops/ssm_scan.hpp
    };
    // -> [T, n_head, head_dim]
    graph::TensorId build(LayerContext& layer, const Values& values) const;
};

}  // namespace krait
