// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/ssm_scan_params.h"
#include "core/ops/ssm_scan.hpp"

namespace krait::vulkan {
namespace {

struct Shape {
    uint32_t group_size;
    uint32_t states;  // a lane, in registers
    uint32_t split;   // lanes a channel
};

Shape shape_of(const Recorder& recorder, uint32_t d_state) {
    const uint32_t needed = std::bit_ceil(d_state);
    // A processor's lanes are best kept busy with channels; 16 states and as many numbers of A are its vector registers.
    if (recorder.is_cpu()) return {std::max(recorder.subgroup_size(), 8u), std::min(needed, 16u), 1};
    // A model of 1,536 channels would fill a tenth of a large GPU: 4 states a lane, up to a subgroup a channel, then more of
    // them.
    const uint32_t split =
        recorder.subgroups() ? std::min(std::max(needed / 4, 1u), std::min(recorder.subgroup_size(), 32u)) : 1;
    return {std::max(recorder.subgroup_size(), 64u), std::min(needed / split, 16u), split};
}

}  // namespace

void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& op, const ops::SsmScan::Out<Tensor>& out,
              Recorder& recorder) {
    const auto n_head = static_cast<uint32_t>(in.x.extent(1)), head_dim = static_cast<uint32_t>(in.x.extent(2)),
               n_group = static_cast<uint32_t>(in.B.extent(1)), d_state = static_cast<uint32_t>(in.B.extent(2)),
               n_seq = static_cast<uint32_t>(in.src_slot.extent(0));
    const uint32_t channels = n_head * head_dim;
    if (n_seq == 0 || channels == 0 || d_state == 0) return;
    const Shape shape = shape_of(recorder, d_state);
    const uint32_t group_channels = shape.group_size / shape.split;
    SsmScanParams params{
        .x = rows(in.x), .dt = rows(in.dt), .B = rows(in.B), .C = rows(in.C), .z = rows(in.z), .y = rows(out.y)};
    params.dt_bias = address(in.dt_bias);
    params.A = address(in.A);
    params.D = address(in.D);
    params.state = address(in.state);
    params.slot_stride = memory_pool(in.state).unit_stride();
    params.seq_start = address(in.seq_start);
    params.src_slot = address(in.src_slot);
    params.dst_slot = address(in.dst_slot);
    params.snapshots = address_or(in.snapshots, in.dst_slot);
    params.channels = channels;
    params.head_dim = head_dim;
    params.heads_per_group = n_head / n_group;
    params.d_state = d_state;
    params.channel_groups = (channels + group_channels - 1) / group_channels;
    params.n_groups = uint64_t{params.channel_groups} * n_seq;
    params.n_snapshot = in.snapshots ? static_cast<uint32_t>(in.snapshots.extent(0)) : 0;
    params.D_per_channel = in.D && in.D.desc.rank == 2;
    params.dt_softplus = op.dt_softplus != 0;
    params.dt_min = op.dt_min;
    params.dt_max = op.dt_max;
    const bool one_decay = in.A.extent(1) == 1 && d_state > 1;
    const bool tail = d_state % (shape.states * shape.split) != 0;
    // Loads of one address for all lanes are as good as one on a GPU.
    const bool shared =
        recorder.is_cpu() && recorder.subgroups() && shape.split == 1 && (channels / n_group) % group_channels == 0;
    recorder.dispatch({shaders::ssm_scan,
                       {shape.group_size, recorder.subgroup_size(), shape.states, shape.split, uint32_t{one_decay},
                        uint32_t{tail}, uint32_t{shared}}},
                      params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
