// SPDX-License-Identifier: Apache-2.0
//
// The values of index operands (token ids, sequence starts, slots, snapshots, pages and their rows, positions) that the host
// writes are checked here before a run, once for all backends: a kernel never sees an index out of range. Which operands are
// indices, and of what, stands in the contracts (core/ops/operands.hpp); what is right, in ops::check_rows, check_rows_written,
// check_pages_read, check_positions and check_ragged.
#pragma once

#include <span>
#include <vector>

#include "core/ops/operands.hpp"
#include "graph/graph.hpp"

namespace krait::graph {

struct InputBytes;

class IndexChecks {
  public:
    // Collects what a graph needs, without repeats (every layer reads the same slots).
    static IndexChecks of(const Graph& graph);
    Result<void> check(const Graph& graph, std::span<const InputBytes> inputs) const;

  private:
    struct Rows {
        TensorId index;
        int64_t n_rows;
        const OperandSpec* operand;
        bool operator==(const Rows&) const = default;
    };
    struct Ragged {
        TensorId seq_start, src_slot, dst_slot, snapshots;
        int64_t n_tok, n_slots;
        bool operator==(const Ragged&) const = default;
    };
    struct Paged {
        TensorId page_table, positions, seq_start;
        int64_t n_pages, rows_per_page;
        bool operator==(const Paged&) const = default;
    };
    std::vector<Rows> rows_, rows_written_, positions_;
    std::vector<Ragged> ragged_;
    std::vector<Paged> paged_;
    // For each of ragged_ the values that were found right last: a step of decoding mostly repeats them, and is not checked
    // again.
    mutable std::vector<std::vector<int32_t>> known_;
    mutable std::vector<int32_t> scratch_;
};

}  // namespace krait::graph
