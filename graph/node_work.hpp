// SPDX-License-Identifier: Apache-2.0
//
// The least that a node has to read, to write and to multiply in a run: the counts behind GB/s and GFLOP/s.
//   weights   as they stand in the file; of a table only the rows that are gathered; of experts as many as rows may go to,
//             which is the most that a run reads: where they go is computed
//   values    each operand and each result once, by its shape; indices count
//   states    of the sequences that have one to read (src_slot >= 0), that write one (dst_slot >= 0), and of their snapshots;
//             of pages the rows that are written, and the keys and values that rows of a sequence see, once
//   operations  two for each multiply-add with a weight (mul_mat, mul_mat_experts, ssm_conv), a key or a value; norms, the scan
//             and activations are left out
// Devices may hold weights in other layouts, and read an operand more than once: that is not counted.
#pragma once

#include "graph/compiled.hpp"

namespace krait::graph {

struct NodeWork {
    uint64_t weight_bytes = 0;
    uint64_t values_read = 0, values_written = 0;  // bytes
    uint64_t states_read = 0, states_written = 0;  // bytes
    uint64_t operations = 0;

    uint64_t bytes_read() const { return weight_bytes + values_read + states_read; }
    uint64_t bytes_written() const { return values_written + states_written; }
    uint64_t bytes() const { return bytes_read() + bytes_written(); }
};

// inputs: of the run, for the slots and positions in them. Where those of a node's sequences are not among them, each sequence
// reads a state and writes one, and so do all snapshots; a sequence has all pages of its row of the table, and sees all of
// them.
NodeWork node_work(const Graph& graph, const Node& node, std::span<const InputBytes> inputs = {});

}  // namespace krait::graph
