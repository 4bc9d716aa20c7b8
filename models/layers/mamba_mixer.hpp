// SPDX-License-Identifier: Apache-2.0
//
// The mixer of Mamba (Gu and Dao 2023). I = d_inner, N = d_state, R = dt_rank:
//   x, z    = split(ssm_in . input + bias?)          [T, I] each
//   u       = silu(conv(x) + bias?)
//   r, B, C = split(ssm_x . u)                       [T, R], [T, N], [T, N]
//   y       = scan(u, dt = ssm_dt . r, A, B, C, D) * silu(z)
//   result  = ssm_out . y + bias? + residual?        biases where the file has them
// There may be a norm on each of r, B and C: without weights (Zuo et al. 2024, "Falcon Mamba", section 2), or with the weights
// ssm_dt_norm, ssm_b_norm and ssm_c_norm (Lieber et al. 2024, "Jamba", section 3).
#pragma once

#include <optional>

#include "models/layers/convolution.hpp"
#include "models/layers/selective_scan.hpp"

namespace krait {

enum class InnerNorms { none, plain, weighted };

struct MambaSizes {
    int64_t d_model = 0, d_inner = 0, d_state = 0, d_conv = 0, dt_rank = 0;
    InnerNorms inner_norms = InnerNorms::none;
    std::optional<float> inner_norm_eps = {};  // of these norms; absent: the model's
};

class MambaMixer final : public Mixer {
  public:
    explicit MambaMixer(const MambaSizes& sizes);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override { return {conv_.memory(), scan_.memory()}; }
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    MambaSizes sizes_;
    Convolution conv_;
    SelectiveScan scan_;
};

}  // namespace krait
