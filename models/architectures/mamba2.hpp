// SPDX-License-Identifier: Apache-2.0
//
// Mamba-2 (Dao and Gu 2024). One layer, I = d_inner, N = d_state, G = n_group, H = n_head, P = head_dim = I / H:
//   z, xBC, dt = split(ssm_in . rms_norm(h) + bias?)             [T, I], [T, I + 2GN], [T, H]
//   x, B, C    = split(silu(conv(xBC) + bias))
//   y          = scan(x, dt, A, B, C, D) * silu(z)               softplus and dt's bias inside the scan; one A and D a head
//   h          = h + ssm_out . rms_norm(y, in G groups) + bias?  biases where the file has them
#pragma once

#include "models/architectures/architecture.hpp"

namespace krait {

class Mamba2 final : public Architecture {
  public:
    static Result<std::unique_ptr<Architecture>> create(const GgufFile& file, ModelShape shape);
    // n_head divides d_inner, n_group divides n_head: create() checks it for files.
    Mamba2(ModelShape shape, int64_t n_head, int64_t n_group)
        : Architecture(std::move(shape)), n_head_(n_head), n_group_(n_group) {}

    std::vector<WeightSpec> layer_weights(int64_t layer) const override;
    std::vector<LayerState> layer_states() const override;
    graph::TensorId build_layer(LayerContext& context, graph::TensorId x) const override;

  private:
    int64_t head_dim() const { return shape_.d_inner / n_head_; }
    int64_t conv_width() const { return shape_.d_inner + 2 * n_group_ * shape_.d_state; }

    int64_t n_head_;
    int64_t n_group_;
};

}  // namespace krait
