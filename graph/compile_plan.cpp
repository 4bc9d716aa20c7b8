// SPDX-License-Identifier: Apache-2.0
#include "graph/compile_plan.hpp"

#include <algorithm>

namespace krait::graph {

uint64_t arena_alignment(const Device& device) { return std::max<uint64_t>(device.info().alignment, 64); }

CompilePlan plan_graph(const Graph& graph, std::span<const int32_t> device_of_node, std::span<const uint64_t> alignments,
                       Programs programs) {
    CompilePlan plan;
    plan.segments = partition(graph, device_of_node);
    if (programs == Programs::by_node) plan.segments = segment_for_each_node(plan.segments);
    plan.partitioned = insert_copies(graph, plan.segments);
    for (const Subgraph& subgraph : plan.partitioned.subgraphs)
        plan.memory.push_back(plan_memory(subgraph.graph, alignments[static_cast<size_t>(subgraph.device)], subgraph.pins));
    return plan;
}

}  // namespace krait::graph
