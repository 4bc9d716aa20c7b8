// SPDX-License-Identifier: Apache-2.0
//
// plan_memory: places every input, value and output of a graph in one arena. A tensor's bytes are taken from the node that
// writes it (inputs: from the start) to the last node that reads it or a view of it (outputs: to the end); tensors that are
// never alive together may share bytes. One after another, each into the tightest gap among its contemporaries: the usual
// greedy offset assignment for dynamic storage allocation (Pisarchyk and Lee 2020), in several orders (largest first, those
// that hold most bytes for most nodes first, longest first); the smallest arena counts.
// A run on several devices has one graph and one plan for each (insert_copies.hpp).
#pragma once

#include <cstdint>
#include <span>
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

// Overrides the lifetime of a tensor that follows from its nodes. Nodes are counted as in the graph.
struct LifetimePin {
    static constexpr int64_t kUnchanged = INT64_MIN;
    TensorId tensor = kNoTensor;
    int64_t first = kUnchanged;  // an input that is written just before this node
    int64_t last = kUnchanged;   // alive at least until this node has run
};

// alignment: of every offset, a power of two.
MemoryPlan plan_memory(const Graph& graph, uint64_t alignment, std::span<const LifetimePin> pins = {});

}  // namespace krait::graph
