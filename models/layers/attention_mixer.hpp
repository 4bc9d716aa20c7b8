// SPDX-License-Identifier: Apache-2.0
//
// Attention over the tokens of a sequence, with keys and values in pages (core/ops/attention.hpp). H query heads, J key heads:
//   q, k, v = attn_q . input, attn_k . input, attn_v . input     [T, H, Dk], [T, J, Dk], [T, J, Dv], with biases
//   q, k    = rms_norm of each head, with attn_q_norm and attn_k_norm                  where norm_q_k
//   q, k    = rope(q), rope(k)                                                         where rope
//   result  = attn_output . attention(q, keys, values) + bias? + residual?
// A row of the cache is the J keys of a token, then its J values.
#pragma once

#include <optional>

#include "models/layers/layer_context.hpp"

namespace krait {

// n_kv_head divides n_head.
struct AttentionSizes {
    int64_t d_model = 0;
    int64_t d_input = 0;  // columns of attn_q, attn_k and attn_v; 0: d_model
    int64_t n_head = 0, n_kv_head = 0, k_dim = 0, v_dim = 0;
    float scale = 0;  // of scores; 0: 1 / sqrt(k_dim)
    std::optional<ops::RopeParams> rope = {};
    bool norm_q_k = false;
    bool fused_qkv = false;  // the file has attn_qkv, the rows of q, k and v one after another, instead of three weights
    DType cache = DType::F16;
    std::string prefix = "";   // of the weights' names
    int64_t adapter_rank = 0;  // of attn_q_lora_a and attn_q_lora_b, and of k and v, which have no prefix; 0: there are none

    int64_t q_width() const { return n_head * k_dim; }
    int64_t k_width() const { return n_kv_head * k_dim; }
    int64_t v_width() const { return n_kv_head * v_dim; }
};

class AttentionMixer : public Mixer {
  public:
    explicit AttentionMixer(const AttentionSizes& sizes);

    std::vector<WeightSpec> weights() const override;
    std::vector<MemorySpec> memories() const override;
    graph::TensorId build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const override;

  private:
    struct Projected {
        graph::TensorId q, k, v;  // [T, H * Dk], [T, J * Dk], [T, J * Dv]
    };
    Projected project(LayerContext& layer, graph::TensorId x) const;
    std::string weight(std::string_view part) const { return fmt::format("{}attn_{}.weight", sizes_.prefix, part); }
    std::string bias(std::string_view part) const { return fmt::format("{}attn_{}.bias", sizes_.prefix, part); }
    // [T, heads * Dk] -> [T, heads, Dk], normalized and turned where the model does that. part: "q".
    graph::TensorId prepare_heads(LayerContext& layer, std::string_view part, graph::TensorId x, int64_t n_head) const;

    AttentionSizes sizes_;
};

}  // namespace krait
