// SPDX-License-Identifier: Apache-2.0
#include "models/layers/attention_mixer.hpp"

#include <cmath>

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace krait {

using graph::TensorId;

AttentionMixer::AttentionMixer(const AttentionSizes& sizes) : sizes_(sizes) {
    if (sizes_.scale == 0) sizes_.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(sizes_.k_dim)));
    if (sizes_.d_input == 0) sizes_.d_input = sizes_.d_model;
}

std::vector<WeightSpec> AttentionMixer::weights() const {
    std::vector<WeightSpec> specs;
    const auto add = [&](std::string_view name, int64_t rows, int64_t columns) {
        specs.push_back(linear_weight(weight(name), rows, columns));
        specs.push_back(linear_bias(bias(name), rows));
        if (sizes_.adapter_rank == 0 || name == "output") return;
        specs.push_back(linear_weight(fmt::format("attn_{}_lora_a.weight", name), sizes_.adapter_rank, columns));
        specs.push_back(linear_weight(fmt::format("attn_{}_lora_b.weight", name), rows, sizes_.adapter_rank));
    };
    if (sizes_.fused_qkv) {
        add("qkv", sizes_.q_width() + sizes_.k_width() + sizes_.v_width(), sizes_.d_input);
    } else {
        add("q", sizes_.q_width(), sizes_.d_input);
        add("k", sizes_.k_width(), sizes_.d_input);
        add("v", sizes_.v_width(), sizes_.d_input);
    }
    if (sizes_.norm_q_k) {
        specs.push_back(head_norm_weight("attn_q_norm.weight", sizes_.k_dim, sizes_.n_head));
        specs.push_back(head_norm_weight("attn_k_norm.weight", sizes_.k_dim, sizes_.n_kv_head));
    }
    add("output", sizes_.d_model, sizes_.n_head * sizes_.v_dim);
    return specs;
}

std::vector<MemorySpec> AttentionMixer::memories() const {
    return {{.name = "kv",
             .ops = {OpId::kv_write, OpId::attention},
             .extent = {sizes_.k_width() + sizes_.v_width(), 1, 1},
             .rank = 1,
             .dtype = sizes_.cache}};
}

AttentionMixer::Projected AttentionMixer::project(LayerContext& layer, TensorId x) const {
    const auto part = [&](const char* name) {
        const std::string lora_a = fmt::format("attn_{}_lora_a.weight", name),
                          lora_b = fmt::format("attn_{}_lora_b.weight", name);
        Adapter adapter;
        if (sizes_.adapter_rank > 0)
            adapter = {linear(layer, fmt::format("{}_adapter_in", name), {.x = x, .weight = lora_a}), lora_b};
        return linear(layer, name, {.x = x, .weight = weight(name), .bias = bias(name), .adapter = adapter});
    };
    if (!sizes_.fused_qkv) return {part("q"), part("k"), part("v")};
    graph::GraphBuilder& b = layer.builder();
    const TensorId qkv = part("qkv");
    return {b.columns(layer.name("q"), qkv, 0, sizes_.q_width()),
            b.columns(layer.name("k"), qkv, sizes_.q_width(), sizes_.k_width()),
            b.columns(layer.name("v"), qkv, sizes_.q_width() + sizes_.k_width(), sizes_.v_width())};
}

TensorId AttentionMixer::prepare_heads(LayerContext& layer, std::string_view part, TensorId x, int64_t n_head) const {
    graph::GraphBuilder& b = layer.builder();
    if (sizes_.norm_q_k)
        x = norm(layer, fmt::format("{}_norm", part),
                 {.x = x, .weight = fmt::format("attn_{}_norm.weight", part), .groups = n_head});
    const TensorId heads = b.split_columns(layer.name(fmt::format("{}_heads", part)), x, n_head, sizes_.k_dim);
    if (!sizes_.rope) return heads;
    return b
        .op<ops::Rope>(layer.name(fmt::format("{}_rope", part)), {.x = heads, .positions = layer.forward().positions},
                       *sizes_.rope)
        .y;
}

TensorId AttentionMixer::build(LayerContext& layer, TensorId x, TensorId residual) const {
    graph::GraphBuilder& b = layer.builder();
    const ForwardContext& run = layer.forward();
    const Projected projected = project(layer, x);
    const TensorId q = prepare_heads(layer, "q", projected.q, sizes_.n_head);
    const TensorId k = prepare_heads(layer, "k", projected.k, sizes_.n_kv_head);
    const auto v_column = static_cast<int32_t>(sizes_.k_width());
    const auto write = [&](const char* node, TensorId rows, int32_t column) {
        b.op<ops::KvWrite>(layer.name(node), {.x = rows, .cache = layer.memory("kv"), .rows = run.cache_rows},
                           {.column = column});
    };
    write("k_write", b.merge_columns(layer.name("k_row"), k), 0);
    write("v_write", projected.v, v_column);
    const TensorId y = b.op<ops::Attention>(layer.name("attention"),
                                            {.q = q,
                                             .cache = layer.memory("kv"),
                                             .page_table = run.page_table,
                                             .positions = run.positions,
                                             .seq_start = run.seq_start},
                                            {.n_kv_head = static_cast<int32_t>(sizes_.n_kv_head),
                                             .v_dim = static_cast<int32_t>(sizes_.v_dim),
                                             .v_column = v_column,
                                             .scale = sizes_.scale})
                           .y;
    return linear(layer, "attn_out",
                  {.x = b.merge_columns(layer.name("attn_y"), y),
                   .weight = weight("output"),
                   .bias = bias("output"),
                   .residual = residual});
}

}  // namespace krait
