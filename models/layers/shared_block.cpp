// SPDX-License-Identifier: Apache-2.0
#include "models/layers/shared_block.hpp"

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace krait {
namespace {

template <class Sizes>
Sizes with_prefix(Sizes sizes, const std::string& prefix) {
    sizes.prefix = prefix;
    return sizes;
}

}  // namespace

SharedBlock::SharedBlock(std::string prefix, AttentionSizes attention, FeedForwardSizes feed_forward)
    : prefix_(std::move(prefix)),
      d_model_(attention.d_model),
      attention_(with_prefix(std::move(attention), prefix_)),
      feed_forward_(with_prefix(std::move(feed_forward), prefix_)) {}

std::vector<WeightSpec> SharedBlock::weights() const {
    std::vector<WeightSpec> specs{norm_weight(prefix_ + "attn_norm.weight", 2 * d_model_)};
    for (WeightSpec& spec : attention_.weights()) specs.push_back(std::move(spec));
    specs.push_back(norm_weight(prefix_ + "ffn_norm.weight", d_model_));
    for (WeightSpec& spec : feed_forward_.weights()) specs.push_back(std::move(spec));
    specs.push_back(linear_weight("attn_linear.weight", d_model_, d_model_));
    return specs;
}

graph::TensorId SharedBlock::build(LayerContext& layer, graph::TensorId x, graph::TensorId residual) const {
    const graph::TensorId both =
        layer.builder().op<ops::Concat>(layer.name("with_embedding"), {.a = x, .b = layer.forward().embedding}).y;
    const graph::TensorId attended = attention_.build(
        layer, norm(layer, "block_norm", {.x = both, .weight = prefix_ + "attn_norm.weight"}), graph::kNoTensor);
    const graph::TensorId y = feed_forward_.build(
        layer, norm(layer, "block_ffn_norm", {.x = attended, .weight = prefix_ + "ffn_norm.weight"}), graph::kNoTensor);
    return linear(layer, "block_out", {.x = y, .weight = "attn_linear.weight", .residual = residual});
}

}  // namespace krait
