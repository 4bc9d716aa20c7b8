// SPDX-License-Identifier: Apache-2.0
//
// The memory that a model takes on its devices, as --max-memory and --explain count it:
//   weights  as the graph reads them, or as the device holds them where that is more
//   states   of one sequence
//   values   the arena of the largest run: as many rows as a session with the default options gives it, of one prompt, with the
//            logits of its last token
// so that one sequence of a session with the default options stays below the sum. Each further sequence, each snapshot, each of
// max_forks and chains (max_chain above 1) take one sequence's states more; longer runs and all logits take more values.
// Programs, the pinned host memory through which tensors cross, and what a device rounds buffers up to are not counted.
#pragma once

#include "graph/compile_plan.hpp"
#include "models/loading/weights.hpp"

namespace krait {

class Architecture;

struct MemoryNeed {
    uint64_t weights = 0, states = 0, values = 0;
    uint64_t total() const { return weights + states + values; }
};

// The graph of that run.
Result<graph::Graph> largest_run(const Architecture& architecture, const WeightDescs& weights);

// The arena of that run where a device has it alone: what a part of it takes is not more.
Result<uint64_t> largest_values(const Architecture& architecture, const WeightDescs& weights, const Device& device);

}  // namespace krait
