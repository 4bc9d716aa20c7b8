// SPDX-License-Identifier: Apache-2.0
//
// The mixer of Mamba-2 (Dao and Gu 2024). I = d_inner, N = d_state, G = n_group, H = n_head, P = head_dim = I / H:
//   z, xBC, dt = split(ssm_in . input + bias?)                  [T, I], [T, I + 2GN], [T, H]
//   x, B, C    = split(silu(conv(xBC) + bias?))
//   y          = scan(x, dt, A, B, C, D) * silu(z)              one A and D a head
//   result     = ssm_out . rms_norm(y, in G groups) + bias? + residual?     biases where the file has them
#pragma once

#include "models/layers/convolution.hpp"
#include "models/layers/selective_scan.hpp"

namespace krait {

// n_head divides d_inner, n_group divides n_head.
struct Mamba2Sizes {
    int64_t d_model = 0, d_inner = 0, d_state = 0, d_conv = 0, n_head = 0, n_group = 0;
    bool has_norm = true;  // else the output projection gets y as it is
    int64_t head_dim() const { return d_inner / n_head; }
    int64_t conv_width() const { return d_inner + 2 * n_group * d_state; }
};

class Mamba2Mixer final : public Mixer {
  public:
    explicit Mamba2Mixer(const Mamba2Sizes& sizes);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override { return {conv_.memory(), scan_.memory()}; }
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    Mamba2Sizes sizes_;
    Convolution conv_;
    SelectiveScan scan_;
};

}  // namespace krait
