// SPDX-License-Identifier: Apache-2.0
//
// The graph of one run of a model: embedding, layers, the head for the rows whose logits are wanted, and the final norm for
// those whose hidden states are.
#pragma once

#include <array>

#include "graph/builder.hpp"
#include "models/architectures/architecture.hpp"

namespace krait {

// Rows of a run unless a session says otherwise; placement counts the memory of the values for as many.
inline constexpr int32_t kDefaultBatchTokens = 512;

// The shape of a run; runs of one shape share a compiled graph.
struct RunShape {
    int64_t n_tok = 0;
    int64_t n_seq = 0;
    int64_t n_out = 0;       // rows that reach the head, 0 = none
    int32_t top_k = 0;       // as many of the most likely tokens are found for each of them, beside the logits; 0 = none
    int64_t n_snapshot = 0;  // states that are kept on the way
    // Rows whose hidden states the host wants: the results of the final norm; n_tok = all, in their order.
    int64_t n_hidden = 0;
    bool picks_rows() const { return n_out > 0 && n_tok > 1; }
    bool picks_hidden_rows() const { return n_hidden > 0 && n_hidden < n_tok; }
    bool operator==(const RunShape&) const = default;
};

// The dynamic dimensions of a run's graph (graph::Graph::dim_max), in this order: a run may have fewer of each than its shape.
enum RunDim : size_t { kRows, kSequences, kOutputs, kSnapshots, kHidden, kRunDims };
using RunSizes = std::array<int64_t, kRunDims>;

// The name of a shape among a session's compiled graphs, in memory of its own.
class RunKey {
  public:
    explicit RunKey(const RunShape& shape);
    std::string_view text() const { return {text_.data(), size_}; }

  private:
    std::array<char, 128> text_;  // six int64 have 20 characters each
    size_t size_;
};

// Inputs and outputs of a run's graph by their names; kNoTensor where its shape has none.
struct RunTensors {
    graph::TensorId ids = graph::kNoTensor;                                    // i32 [n_tok]
    graph::TensorId seq_start = graph::kNoTensor;                              // i32 [n_seq + 1]
    graph::TensorId src_slot = graph::kNoTensor, dst_slot = graph::kNoTensor;  // i32 [n_seq]
    graph::TensorId snapshots = graph::kNoTensor;                              // i32 [n_snapshot, 2]
    graph::TensorId cache_rows = graph::kNoTensor;                             // i32 [n_tok], where a memory has pages
    graph::TensorId positions = graph::kNoTensor;                              // i32 [n_tok], where there is attention
    graph::TensorId page_table = graph::kNoTensor;   // i32 [n_seq, sequence_pages], where there is attention
    graph::TensorId out_rows = graph::kNoTensor;     // i32 [n_out], where rows are picked
    graph::TensorId hidden_rows = graph::kNoTensor;  // i32 [n_hidden], where rows are picked
    graph::TensorId logits = graph::kNoTensor;       // f32 [n_out, n_vocab]
    graph::TensorId top_logits = graph::kNoTensor;   // f32 [n_out, top_k], the most likely first
    graph::TensorId top_tokens = graph::kNoTensor;   // i32 [n_out, top_k]
    graph::TensorId hidden = graph::kNoTensor;       // f32 [n_hidden, d_model]
};
// Finds the tensors of a graph from build_forward, compiled or not. It copies a few numbers: steps of a session call it.
RunTensors run_tensors(const graph::Graph& graph);

// Nothing in it has storage yet: it can be looked at, and placed. n_token: the most likely tokens are among the first so many
// of the vocabulary (Model::n_token); all of it where that is not said.
Result<graph::Graph> build_forward(const Architecture& architecture, const WeightDescs& weights,
                                   const MemorySizes& memory_sizes, const RunShape& shape, int64_t n_token = INT64_MAX);

}  // namespace krait
