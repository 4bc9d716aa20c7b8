// SPDX-License-Identifier: Apache-2.0
//
// How a graph runs on its devices, decided before any of them is asked for memory: segments and subgraphs, copies between them,
// and where every tensor lies in the arena of its device. The executor makes programs of it; others look at it, or at its
// sizes.
#pragma once

#include "graph/passes/insert_copies.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

// The alignment of every tensor in a device's arena: what the device asks for, and at least one cache line.
uint64_t arena_alignment(const Device& device);

struct CompilePlan {
    std::vector<DeviceSegment> segments;  // of the whole graph, in running order
    PartitionedGraph partitioned;
    std::vector<MemoryPlan> memory;  // by subgraph
};

// One for as many nodes of a device as follow each other, or one for each node, so that it can be timed (run_observer.hpp).
enum class Programs : uint8_t { by_segment, by_node };

// device_of_node: by node, an index into alignments. alignments: arena_alignment() by device.
CompilePlan plan_graph(const Graph& graph, std::span<const int32_t> device_of_node, std::span<const uint64_t> alignments,
                       Programs programs = Programs::by_segment);

}  // namespace krait::graph
