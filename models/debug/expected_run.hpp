// SPDX-License-Identifier: Apache-2.0
//
// Runs of the expected model, of which nothing is lost: every node's result is an output, and every memory is read after the
// run.
#pragma once

#include "models/memory/sequence_memory.hpp"
#include "models/model.hpp"

namespace krait {

using Bytes = std::vector<std::byte>;

// The graph of a run, and the bytes of every input and of every node's result.
struct ExpectedRun {
    graph::Graph graph;
    std::vector<Bytes> bytes;  // by tensor; empty for constants, states and views
    // By node: its memory after the run, empty where it has none; its slot, or the rows of its pages as far as the sequence
    // goes, one after another.
    std::vector<Bytes> states;
};

// All units of a memory, one after another.
Result<Bytes> read_units(Queue& queue, const graph::Tensor& memory);

// One sequence of at most n_tok tokens on a model, which outlives it.
class Expected {
  public:
    static Result<Expected> create(const Model& model, size_t n_tok);
    Result<ExpectedRun> run(std::span<const int32_t> tokens);  // the sequence's next tokens

  private:
    Expected(const Model& model, graph::Executor executor, SequenceMemory memory)
        : model_(model), executor_(std::move(executor)), memory_(std::move(memory)) {}
    Result<graph::Compiled*> prepare(int64_t n_tok);
    Result<Bytes> state_of(const graph::Graph& graph, const graph::Node& node);

    const Model& model_;
    graph::Executor executor_;
    SequenceMemory memory_;
    int64_t n_tok_ = 0;  // that the sequence has
};

}  // namespace krait
