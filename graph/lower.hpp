// SPDX-License-Identifier: Apache-2.0
//
// A graph in the plain-data form of the plugin ABI. Points into the graph it was made from, which must outlive it.
#pragma once

#include "graph/graph.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

class LoweredGraph {
  public:
    // arena and plan: where values lie; without them nothing is placed, which is enough to ask a device what it supports.
    explicit LoweredGraph(const Graph& graph, const Buffer* arena = nullptr, const MemoryPlan* plan = nullptr);
    const krait_graph& get() const { return graph_; }

    LoweredGraph(const LoweredGraph&) = delete;
    LoweredGraph& operator=(const LoweredGraph&) = delete;

  private:
    std::vector<krait_graph_tensor> tensors_;
    std::vector<krait_graph_node> nodes_;
    krait_graph graph_{};
};

}  // namespace krait::graph
