// SPDX-License-Identifier: Apache-2.0
//
// partition: cuts a graph whose nodes have devices into few, large segments, each for one device, in an order in which they may
// run one after another. Where the order of the graph changes devices more often than its dependencies require, nodes are
// reordered: among the nodes that could run next, those on the current device go first. A node never runs before one that
// writes what it reads, and nodes that use one memory keep their order.
#pragma once

#include <span>

#include "graph/graph.hpp"

namespace krait::graph {

struct DeviceSegment {
    int32_t device = 0;
    std::vector<uint32_t> nodes;  // of the graph, in running order
};

// device: of each node.
std::vector<DeviceSegment> partition(const Graph& graph, std::span<const int32_t> device);

// The same nodes in the same order, each a segment of its own.
std::vector<DeviceSegment> segment_for_each_node(std::span<const DeviceSegment> segments);

}  // namespace krait::graph
