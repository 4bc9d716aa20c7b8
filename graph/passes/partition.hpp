// SPDX-License-Identifier: Apache-2.0
//
// partition: cuts a graph whose nodes have devices into few, large pieces, each for one device, in an order in which they may run
// one after another. Where the order of the graph changes devices more often than the dependencies ask for, nodes
// move: of those that could run, the ones on the device at hand go first. A device never runs ahead of a node that writes what it
// reads, and nodes that touch one pool of state keep their order.
#pragma once

#include <span>

#include "graph/graph.hpp"

namespace krait::graph {

struct Part {
    int32_t device = 0;
    std::vector<uint32_t> nodes;  // of the graph, in running order
};

// device: of each node.
std::vector<Part> partition(const Graph& graph, std::span<const int32_t> device);

}  // namespace krait::graph
