// SPDX-License-Identifier: Apache-2.0
//
// A graph in the plain-data form of the plugin ABI. Points into the graph it was made from, which must outlive it.
#pragma once

#include "graph/graph.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

class LoweredGraph {
  public:
    // Without places, which is enough to ask a device what it supports.
    explicit LoweredGraph(const Graph& graph);
    // Values lie in the arena as planned. n_nodes nodes from first_node on.
    LoweredGraph(const Graph& graph, uint32_t first_node, uint32_t n_nodes, const Buffer& arena, const MemoryPlan& plan);
    const krait_graph& get() const { return graph_; }

    LoweredGraph(const LoweredGraph&) = delete;
    LoweredGraph& operator=(const LoweredGraph&) = delete;

  private:
    LoweredGraph(const Graph& graph, uint32_t first_node, uint32_t n_nodes, const Buffer* arena, const MemoryPlan* plan);

    std::vector<krait_graph_tensor> tensors_;
    std::vector<krait_graph_node> nodes_;
    krait_graph graph_{};
};

}  // namespace krait::graph
