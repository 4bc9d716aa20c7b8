// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/architecture.hpp"

namespace krait {
graph::TensorId add_conv(LayerContext& context, graph::TensorId x) {
    const LayerContext::Ragged& run = context.ragged();
    return context.builder()
        .op<ops::SsmConv>(context.name("conv"), {.x = x,
                                                 .w = context.weight("ssm_conv1d.weight"),
                                                 .bias = context.weight("ssm_conv1d.bias"),
                                                 .state = context.state(OpId::ssm_conv),
                                                 .seq_start = run.seq_start,
                                                 .src_slot = run.src_slot,
                                                 .dst_slot = run.dst_slot,
                                                 .snapshots = run.snapshots})
        .y;
}

graph::TensorId add_scan(LayerContext& context, const ScanValues& values) {
    const LayerContext::Ragged& run = context.ragged();
    return context.builder()
        .op<ops::SsmScan>(context.name("scan"), {.x = values.x,
                                                 .dt = values.dt,
                                                 .dt_bias = context.weight("ssm_dt.bias"),
                                                 .A = context.weight("ssm_a"),
                                                 .B = values.B,
                                                 .C = values.C,
                                                 .D = context.weight("ssm_d"),
                                                 .z = values.z,
                                                 .state = context.state(OpId::ssm_scan),
                                                 .seq_start = run.seq_start,
                                                 .src_slot = run.src_slot,
                                                 .dst_slot = run.dst_slot,
                                                 .snapshots = run.snapshots})
        .y;
}

graph::TensorId add_in_projection(LayerContext& context, graph::TensorId x) {
    return context.builder()
        .op<ops::MulMat>(context.name("in"),
                         {.x = x, .w = context.weight("ssm_in.weight"), .bias = context.weight("ssm_in.bias")})
        .y;
}

graph::TensorId add_out_projection(LayerContext& context, graph::TensorId x, graph::TensorId residual) {
    return context.builder()
        .op<ops::MulMat>(
            context.name("out"),
            {.x = x, .w = context.weight("ssm_out.weight"), .bias = context.weight("ssm_out.bias"), .residual = residual})
        .y;
}

std::string layer_name(int64_t layer, std::string_view suffix) { return fmt::format("blk.{}.{}", layer, suffix); }

std::vector<WeightSpec> Architecture::weights() const {
    const krait_use embed = use_of<ops::GetRows>(OpId::get_rows, "table");
    const krait_use head = use_of<ops::MulMat>(OpId::mul_mat, "w");
    const krait_use norm = use_of<ops::RmsNorm>(OpId::rms_norm, "weight");
    std::vector<WeightSpec> specs;
    specs.push_back(
        {.name = "token_embd.weight", .extents = {shape_.n_vocab, shape_.d_model}, .any_format = true, .uses = {embed}});
    if (shape_.tied_head) specs.back().uses.push_back(head);
    for (int64_t layer = 0; layer < shape_.n_layer; ++layer)
        for (WeightSpec& spec : layer_weights(layer)) specs.push_back(std::move(spec));
    specs.push_back({.name = "output_norm.weight", .extents = {shape_.d_model}, .uses = {norm}});
    if (!shape_.tied_head)
        specs.push_back(
            {.name = "output.weight", .extents = {shape_.n_vocab, shape_.d_model}, .any_format = true, .uses = {head}});
    return specs;
}

int64_t Architecture::state_bytes() const {
    int64_t floats = 0;
    for (const LayerState& state : layer_states()) floats += state.count();
    return floats * shape_.n_layer * static_cast<int64_t>(sizeof(float));
}

}  // namespace krait
