// SPDX-License-Identifier: Apache-2.0
//
// insert_copies: makes of a graph and its parts one graph for each device (its share of the run), and the copies between them.
// A share is a graph like any other: what another device computes is an input of it, and it knows nothing of the rest. A
// tensor that another device reads crosses whole (the base of a view), once for each device that reads it, from the
// device that wrote it: it leaves when the part that writes it has run, and arrives before the first part that reads it. What the
// host writes goes from the host to every device that reads it, and stays there to the end: a run that gets the same again
// need not wait for it.
#pragma once

#include "graph/passes/partition.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

struct Share {
    int32_t device = 0;
    Graph graph;                  // nodes in running order
    std::vector<TensorId> local;  // by tensor of the whole graph; kNoTensor where this device has nothing to do with it
    std::vector<Stay> stays;  // what arrives late, what must stay until it has left, and inputs of the host: for plan_memory
};

// Consecutive nodes of a share; parts run in the order of the list, as far as they depend on each other.
struct SharePart {
    uint32_t share = 0;
    uint32_t first_node = 0, n_nodes = 0;  // of the share's graph
};

struct Copy {
    TensorId tensor = kNoTensor;                              // of the whole graph
    uint32_t from = 0, to = 0;                                // shares
    TensorId from_tensor = kNoTensor, to_tensor = kNoTensor;  // the same tensor there
    uint32_t after = 0, before = 0;                           // parts: it is written in the one, first read in the other
    uint64_t bytes = 0;
};

struct DividedGraph {
    std::vector<Share> shares;  // one for each device that has nodes, in the order in which they first run
    std::vector<SharePart> parts;
    std::vector<Copy> copies;  // ordered by `before`
};

// Takes constants and states over with their storage; the caller has seen to it that this is on the node's device.
DividedGraph insert_copies(const Graph& graph, std::span<const Part> parts);

}  // namespace krait::graph
