// SPDX-License-Identifier: Apache-2.0
#include "models/placement/memory_need.hpp"

#include "models/architectures/forward.hpp"

namespace krait {

Result<graph::Graph> largest_run(const Architecture& architecture, const WeightDescs& weights) {
    return build_forward(architecture, weights, 1, {.n_tok = kDefaultBatchTokens, .n_seq = 1, .n_out = 1});
}

Result<uint64_t> largest_values(const Architecture& architecture, const WeightDescs& weights, const Device& device) {
    KRAIT_TRY(const graph::Graph run, largest_run(architecture, weights));
    const std::vector<int32_t> alone(run.nodes.size(), 0);
    const graph::PartitionedGraph whole = graph::insert_copies(run, graph::partition(run, alone));
    return graph::plan_memory(whole.subgraphs[0].graph, graph::arena_alignment(device), whole.subgraphs[0].pins).peak_bytes;
}

}  // namespace krait
