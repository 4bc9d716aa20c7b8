// SPDX-License-Identifier: Apache-2.0
//
// The graph of a run on the devices of a loaded model.
#pragma once

#include "graph/executor.hpp"
#include "models/memory/sequence_memory.hpp"
#include "models/model.hpp"

namespace krait {

// graph: from build_forward. Its weights and states get their storage, on the device of the node that reads them.
Result<graph::PlacedGraph> build_placed(const Model& model, const SequenceMemory& memory, graph::Graph graph);

}  // namespace krait
