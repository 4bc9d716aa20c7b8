// SPDX-License-Identifier: Apache-2.0
#include "models/layers/selective_scan.hpp"

namespace krait {

std::vector<WeightSpec> SelectiveScan::weights() const {
    const auto use = [](std::string_view operand) { return use_of<ops::SsmScan>(OpId::ssm_scan, operand); };
    return {{.name = "ssm_dt.bias", .extents = {n_head}, .uses = {use("dt_bias")}},
            {.name = "ssm_a", .extents = {n_head, scalar_a ? 1 : d_state}, .uses = {use("A")}},
            {.name = "ssm_d", .extents = {n_head}, .uses = {use("D")}}};
}

MemorySpec SelectiveScan::memory() const {
    return {.name = "scan", .ops = {OpId::ssm_scan}, .extent = {n_head, head_dim, d_state}, .rank = 3};
}

graph::TensorId SelectiveScan::build(LayerContext& layer, const Values& values) const {
    const ForwardContext& run = layer.forward();
    return layer.builder()
        .op<ops::SsmScan>(layer.name("scan"), {.x = values.x,
                                               .dt = values.dt,
                                               .dt_bias = layer.weight("ssm_dt.bias"),
                                               .A = layer.weight("ssm_a"),
                                               .B = values.B,
                                               .C = values.C,
                                               .D = layer.weight("ssm_d"),
                                               .z = values.z,
                                               .state = layer.memory("scan"),
                                               .seq_start = run.seq_start,
                                               .src_slot = run.src_slot,
                                               .dst_slot = run.dst_slot,
                                               .snapshots = run.snapshots})
        .y;
}

}  // namespace krait
