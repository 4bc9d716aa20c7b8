// SPDX-License-Identifier: Apache-2.0
//
// Falcon-Mamba (Zuo et al. 2024, "Falcon Mamba: The First Competitive Attention-free 7B Language Model", section 2): Mamba with
// a weightless RMS norm on each of r, B and C between ssm_x and the scan. Files carry general.architecture "mamba" and the
// flag mamba.ssm.dt_b_c_rms. The norms use the model's one epsilon, for the format has no key for another.
#pragma once

#include "models/architectures/mamba.hpp"

namespace krait {

class FalconMamba final : public Mamba {
  public:
    static Result<bool> is_meant_by(const GgufFile& file);
    static Result<std::unique_ptr<Architecture>> create(const GgufFile& file, ModelShape shape);

  protected:
    graph::TensorId between(LayerContext& context, std::string_view what, graph::TensorId part) const override;

  private:
    using Mamba::Mamba;
};

}  // namespace krait
