// SPDX-License-Identifier: Apache-2.0
//
// insert_copies: makes one subgraph for each device of a partitioned graph, and the copies between them.
// A subgraph is a graph like any other: a tensor that another device computes is an input of it. A tensor that another
// device reads is copied whole (the base of a view), once for each device that reads it, from the device that wrote it: the
// copy starts when the segment that writes the tensor has run, and ends before the first segment that reads it. Inputs of the
// host are copied to every device that reads them and stay there to the end of the run: a run with the same inputs need not
// write them again.
#pragma once

#include "graph/passes/partition.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

struct Subgraph {
    int32_t device = 0;
    Graph graph;                    // nodes in running order
    std::vector<TensorId> local;    // by tensor of the whole graph; kNoTensor where this device does not use it
    std::vector<LifetimePin> pins;  // for plan_memory: tensors that arrive late or leave late, and inputs of the host
};

// Consecutive nodes of a subgraph, one program. Segments run in the order of the list, as far as they depend on each other.
struct Segment {
    uint32_t subgraph = 0;
    uint32_t first_node = 0, n_nodes = 0;  // of the subgraph's graph
};

struct Copy {
    TensorId tensor = kNoTensor;                              // of the whole graph
    uint32_t from = 0, to = 0;                                // subgraphs
    TensorId from_tensor = kNoTensor, to_tensor = kNoTensor;  // the same tensor there
    uint32_t after = 0, before = 0;  // segments: the first writes it, the second is the first that reads it
    uint64_t bytes = 0;
};

struct PartitionedGraph {
    std::vector<Subgraph> subgraphs;  // one for each device that has nodes, in the order in which they first run
    std::vector<Segment> segments;
    std::vector<Copy> copies;  // ordered by `before`
};

// Takes constants and states over with their storage; the caller has seen to it that this is on the node's device.
PartitionedGraph insert_copies(const Graph& graph, std::span<const DeviceSegment> segments);

}  // namespace krait::graph
