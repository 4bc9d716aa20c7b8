// SPDX-License-Identifier: Apache-2.0
//
// The graph of one run of a model: embedding, layers, and the head for the rows whose logits are wanted.
#pragma once

#include "models/model.hpp"
#include "models/state_pool.hpp"

namespace krait {

// What a run looks like; runs of one shape share a compiled graph.
struct RunShape {
    int64_t n_tok = 0;
    int64_t n_seq = 0;
    int64_t n_out = 0;  // rows whose logits are wanted; 0 = none, n_tok = all, in order
    bool picks_rows() const { return n_out > 0 && n_out < n_tok; }
    std::string key() const { return fmt::format("{}/{}/{}", n_tok, n_seq, n_out); }
};

// Where the inputs and the output stand in the graph of a shape.
struct RunTensors {
    graph::TensorId ids, seq_start, src_slot, dst_slot;
    graph::TensorId out_rows;  // i32 [n_out]; absent where all rows or none are wanted
    graph::TensorId logits;    // f32 [n_out, n_vocab]; absent where none are wanted
};
RunTensors run_tensors(const graph::Graph& graph, const RunShape& shape);

Result<graph::Graph> build_forward(const Model& model, const StatePool& states, const RunShape& shape);

}  // namespace krait
