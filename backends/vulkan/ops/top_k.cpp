// SPDX-License-Identifier: Apache-2.0
#include "core/ops/top_k.hpp"
#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& of, const ops::TopK::Out<Tensor>& out,
           Recorder& recorder) {
    // Ranks of one dispatch: as many as the shader's segments allow, and so few that a lane which looks through its share of
    // the row for each of them (take_in_turn) has an end: lavapipe leaves a shader's loops after 65535 turns in all, GPUs kill
    // what takes seconds.
    constexpr uint64_t kMaxRanks = 256, kMaxTurns = 1 << 15;
    const uint32_t lanes = lanes_for(in.x.extent(1), recorder);
    const uint64_t turns = static_cast<uint64_t>(in.x.extent(1)) / lanes + 1;
    const auto ranks = static_cast<uint32_t>(std::clamp<uint64_t>(kMaxTurns / turns, 1, kMaxRanks));
    RowParams params = row_params(in.x, out.values);
    params.second = rows(out.indices);
    const auto k = static_cast<uint32_t>(of.k);
    for (params.first = 0; params.first < k; params.first += ranks) {
        params.n_parts = std::min(ranks, k - params.first);
        recorder.dispatch({shaders::top_k, {lanes, recorder.subgroup_size()}}, params, recorder.groups(params.n_row));
    }
}

}  // namespace krait::vulkan
