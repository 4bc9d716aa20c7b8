// SPDX-License-Identifier: Apache-2.0
//
// plan_memory: places every input, value and output of a graph in one arena. A tensor's bytes are taken from the node that
// writes it (inputs: from the start) to the last node that reads it or a view of it (outputs: to the end); tensors that are
// never alive together may share bytes. Largest first, each into the tightest gap among its contemporaries: the usual greedy
// offset assignment for dynamic storage allocation (Pisarchyk and Lee 2020, "greedy by size").
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.hpp"

namespace krait::graph {

struct MemoryPlan {
    static constexpr uint64_t kUnplaced = UINT64_MAX;
    std::vector<uint64_t> offset;     // by tensor; kUnplaced for constants, states, and views (base's offset + their own)
    uint64_t peak_bytes = 0;          // size of the arena
    uint64_t naive_bytes = 0;         // what it would be if nothing shared
    uint64_t largest_live_bytes = 0;  // most bytes alive at one node: no plan can be below it
};

// alignment: of every offset, a power of two.
MemoryPlan plan_memory(const Graph& graph, uint64_t alignment);

}  // namespace krait::graph
