// SPDX-License-Identifier: Apache-2.0
//
// The graph of one run of a model: embedding, layers, and the head for the rows whose logits are wanted.
#pragma once

#include <array>

#include "graph/executor.hpp"
#include "models/model.hpp"
#include "models/state_pool.hpp"

namespace krait {

// What a run looks like; runs of one shape share a compiled graph.
struct RunShape {
    int64_t n_tok = 0;
    int64_t n_seq = 0;
    int64_t n_out = 0;  // rows whose logits are wanted; 0 = none, n_tok = all, in order
    bool picks_rows() const { return n_out > 0 && n_out < n_tok; }
    bool operator==(const RunShape&) const = default;
};

// The name of a shape among a session's compiled graphs, in memory of its own.
class RunKey {
  public:
    explicit RunKey(const RunShape& shape)
        : size_(fmt::format_to_n(text_.data(), text_.size(), "{}/{}/{}", shape.n_tok, shape.n_seq, shape.n_out).size) {}
    std::string_view text() const { return {text_.data(), size_}; }

  private:
    std::array<char, 64> text_;  // three int64 have 20 characters each
    size_t size_;
};

// Where the inputs and the output stand in the graph of a shape.
struct RunTensors {
    graph::TensorId ids, seq_start, src_slot, dst_slot;
    graph::TensorId out_rows;  // i32 [n_out]; absent where all rows or none are wanted
    graph::TensorId logits;    // f32 [n_out, n_vocab]; absent where none are wanted
};
RunTensors run_tensors(const graph::Graph& graph, const RunShape& shape);

// Nothing in it has storage yet: it can be looked at, and placed.
Result<graph::Graph> build_forward(const Architecture& architecture, const WeightDescs& weights, int64_t n_slots,
                                   const RunShape& shape);

// The same for a loaded model, with weights and states where the node that reads them is.
Result<graph::PlacedGraph> build_placed(const Model& model, const StatePool& states, graph::Graph graph);

}  // namespace krait
