// SPDX-License-Identifier: Apache-2.0
//
// A graph for people: one line a node, or Graphviz.
#pragma once

#include "graph/graph.hpp"
#include "graph/passes/plan_memory.hpp"

namespace krait::graph {

// "12 blk.0.in mul_mat(x=blk.0.norm, w=blk.0.ssm_in.weight) -> F32 [7, 1024]". With a plan: where each result lies, and a last
// line with the peak against the naive sum.
std::string to_text(const Graph& graph, const MemoryPlan* plan = nullptr);

// Nodes as boxes, constants and memories as other shapes; `dot -Tsvg`.
std::string to_dot(const Graph& graph);

}  // namespace krait::graph
