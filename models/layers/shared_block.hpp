// SPDX-License-Identifier: Apache-2.0
//
// The transformer block of Zamba2 (Glorioso et al. 2024, arXiv 2411.15242, section 2), which several layers share; each adds
// its own adapters to it. With e the embeddings of the run's tokens:
//   x      = rms_norm(concat(input, e))                      [T, 2 d_model]
//   x      = rms_norm(attention(x))                          [T, d_model], and no residual
//   result = attn_linear . feed_forward(x) + residual?
#pragma once

#include "models/layers/attention_mixer.hpp"
#include "models/layers/feed_forward.hpp"

namespace krait {

class SharedBlock final : public Mixer {
  public:
    // prefix: of the shared weights, "shared.0."; attention.d_input is 2 d_model.
    SharedBlock(std::string prefix, AttentionSizes attention, FeedForwardSizes feed_forward);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override { return attention_.memories(); }
    // x as it is: the block has norms of its own.
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    std::string prefix_;
    int64_t d_model_;
    AttentionMixer attention_;
    FeedForward feed_forward_;
};

}  // namespace krait
