// SPDX-License-Identifier: Apache-2.0
#include "models/placement/memory_need.hpp"

#include "models/architectures/forward.hpp"

namespace krait {

Result<graph::Graph> largest_run(const Architecture& architecture, const WeightDescs& weights) {
    return build_forward(architecture, weights, {.n_slots = 1}, {.n_tok = kDefaultBatchTokens, .n_seq = 1, .n_out = 1});
}

Result<uint64_t> largest_values(const Architecture& architecture, const WeightDescs& weights, const Device& device) {
    KRAIT_TRY(const graph::Graph run, largest_run(architecture, weights));
    const std::vector<int32_t> alone(run.nodes.size(), 0);
    const uint64_t alignment = graph::arena_alignment(device);
    return graph::plan_graph(run, alone, {&alignment, 1}).memory[0].peak_bytes;
}

}  // namespace krait
