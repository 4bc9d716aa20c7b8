// SPDX-License-Identifier: Apache-2.0
//
// The gated short convolution of LFM2 (Liquid AI 2025, "LFM2 Technical Report", arXiv 2511.23404, section 2):
//   B, C, x = split(shortconv.in_proj . input)         [T, d_model] each
//   result  = shortconv.out_proj . (C * conv(B * x)) + residual?         no activation
#pragma once

#include "models/layers/convolution.hpp"

namespace krait {

class ShortConvMixer final : public Mixer {
  public:
    // d_conv: taps.
    ShortConvMixer(int64_t d_model, int64_t d_conv);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override { return {conv_.memory()}; }
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    int64_t d_model_;
    Convolution conv_;
};

}  // namespace krait
