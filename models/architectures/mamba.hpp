// SPDX-License-Identifier: Apache-2.0
//
// Mamba (Gu and Dao 2023). One layer, E = d_model, I = d_inner, N = d_state, R = dt_rank:
//   x, z  = split(ssm_in . rms_norm(h) + bias?)        [T, I] each
//   u     = silu(conv(x) + bias)
//   r, B, C = split(ssm_x . u)                         [T, R], [T, N], [T, N]
//   y     = scan(u, dt = ssm_dt . r, A, B, C, D) * silu(z)       softplus and dt's bias inside the scan
//   h     = h + ssm_out . y + bias?                   biases where the file has them
#pragma once

#include "models/architectures/architecture.hpp"

namespace krait {

class Mamba : public Architecture {
  public:
    static Result<std::unique_ptr<Architecture>> create(const GgufFile& file, ModelShape shape);
    Mamba(ModelShape shape, int64_t dt_rank) : Architecture(std::move(shape)), dt_rank_(dt_rank) {}

    std::vector<WeightSpec> layer_weights(int64_t layer) const override;
    std::vector<LayerState> layer_states() const override;
    graph::TensorId build_layer(LayerContext& context, graph::TensorId x) const override;

  protected:
    static Result<int64_t> read_dt_rank(const GgufFile& file);

    // What stands between ssm_x and the scan: nothing here; Falcon-Mamba normalises r, B and C.
    virtual graph::TensorId between(LayerContext& context, std::string_view what, graph::TensorId part) const;

  private:
    int64_t dt_rank_;
};

}  // namespace krait
