// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/ops/ssm_conv_params.h"

#include <algorithm>

#include "backends/vulkan/kernels.hpp"
#include "core/ops/ssm_conv.hpp"

namespace krait::vulkan {
namespace {

enum Way : uint32_t { kWhole = 0, kRows = 1, kStates = 2 };  // as in ssm_conv.comp

constexpr uint32_t kRowsPerGroup = 16;  // a block of rows reads kConv - 1 rows more than it computes
constexpr int64_t kFewRows = 64;        // of a sequence on average: below, one walk costs less than a second dispatch

}  // namespace

void ssm_conv(const ops::SsmConv::In<Tensor>& in, const ops::SsmConv::Params& of, const ops::SsmConv::Out<Tensor>& out,
              Recorder& recorder) {
    const int64_t n_tok = in.x.extent(0), channels = in.x.extent(1), n_seq = in.src_slot.extent(0);
    if (channels == 0 || n_seq == 0) return;
    const MemoryPool& pool = memory_pool(in.state);
    const SsmConvParams params{.x = rows(in.x),
                               .y = rows(out.y),
                               .weight = address(in.w),
                               .bias = address(in.bias),
                               .pool = pool.address(),
                               .slot_stride = pool.unit_stride(),
                               .seq_start = address(in.seq_start),
                               .src_slot = address(in.src_slot),
                               .dst_slot = address(in.dst_slot),
                               .snapshots = address_or(in.snapshots, in.dst_slot),
                               .n_tok = static_cast<uint32_t>(n_tok),
                               .n_seq = static_cast<uint32_t>(n_seq),
                               .n_snapshot = in.snapshots ? static_cast<uint32_t>(in.snapshots.extent(0)) : 0,
                               .channels = static_cast<uint32_t>(channels),
                               .rows_per_group = kRowsPerGroup};
    constexpr uint32_t kLanes = 64;
    const auto kernel = [&](Way way) {
        return Kernel{shaders::ssm_conv,
                      {kLanes, 1, way, static_cast<uint32_t>(in.w.extent(1)), of.activation == ops::Activation::silu ? 1u : 0u,
                       in.bias ? 1u : 0u}};
    };
    const auto grid = [&](uint64_t n) { return recorder.groups(n, (params.channels + kLanes - 1) / kLanes); };
    if (recorder.is_cpu() || n_tok < kFewRows * n_seq) {
        recorder.dispatch(kernel(kWhole), params, grid(params.n_seq));
        return;
    }
    recorder.dispatch(kernel(kRows), params, grid((params.n_tok + kRowsPerGroup - 1) / kRowsPerGroup));
    recorder.dispatch(kernel(kStates), params, grid(params.n_seq));
}

}  // namespace krait::vulkan
