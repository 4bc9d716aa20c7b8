// SPDX-License-Identifier: Apache-2.0
//
// Mixers side by side on one input: result = first(input) + second(input) + ... + residual?
#pragma once

#include "models/layers/layer_plan.hpp"

namespace krait {

// Their weights and memories need different names.
class ParallelMixer final : public Mixer {
  public:
    explicit ParallelMixer(std::vector<std::shared_ptr<const Mixer>> mixers) : mixers_(std::move(mixers)) {}

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override;
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    std::vector<std::shared_ptr<const Mixer>> mixers_;
};

}  // namespace krait
