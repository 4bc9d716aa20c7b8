// SPDX-License-Identifier: Apache-2.0
//
// Two short convolutions, of which one gates the other. I = d_inner:
//   a, b   = split(conv_in . input)                    [T, I] each
//   y      = silu(conv_gate(a)) * conv_value(b)
//   result = conv_out . y + residual?
#pragma once

#include "models/layers/convolution.hpp"

namespace krait {

struct GatedConvSizes {
    int64_t d_model = 0, d_inner = 0, d_conv = 0;
};

class GatedConvMixer final : public Mixer {
  public:
    explicit GatedConvMixer(const GatedConvSizes& sizes);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override { return {gate_.memory(), value_.memory()}; }
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    GatedConvSizes sizes_;
    Convolution gate_, value_;
};

}  // namespace krait
