// SPDX-License-Identifier: Apache-2.0
//
// The values of index operands (token ids, sequence starts, slots, snapshots) that the host writes are checked here before a
// run, once for all backends: a kernel never sees an index out of range. What is right stands with the contracts
// (GetRows::check_ids, check_ragged).
#pragma once

#include <span>
#include <vector>

#include "graph/graph.hpp"

namespace krait::graph {

struct InputBytes;

class IndexChecks {
  public:
    // Collects what a graph needs, without repeats (every layer reads the same slots).
    static IndexChecks of(const Graph& graph);
    Result<void> check(const Graph& graph, std::span<const InputBytes> inputs) const;

  private:
    struct Ids {
        TensorId ids;
        int64_t n_rows;
        auto operator<=>(const Ids&) const = default;
    };
    struct Ragged {
        TensorId seq_start, src_slot, dst_slot, snapshots;
        int64_t n_tok, n_slots;
        auto operator<=>(const Ragged&) const = default;
    };
    std::vector<Ids> ids_;
    std::vector<Ragged> ragged_;
    // Of each of ragged_ the values that were found right last: a step of decoding mostly repeats them, and is not checked again.
    mutable std::vector<std::vector<int32_t>> known_;
    mutable std::vector<int32_t> scratch_;
};

}  // namespace krait::graph
