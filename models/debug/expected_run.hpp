// SPDX-License-Identifier: Apache-2.0
//
// Runs of the expected model, of which nothing is lost: every node's result is an output, and every state is read after the
// run.
#pragma once

#include "models/memory/state_pool.hpp"
#include "models/model.hpp"

namespace krait {

using Bytes = std::vector<std::byte>;

// The graph of a run, and the bytes of every input and of every node's result.
struct ExpectedRun {
    graph::Graph graph;
    std::vector<Bytes> bytes;   // by tensor; empty for constants, states and views
    std::vector<Bytes> states;  // by node: what it left in its slot; empty where it has none
};

// One sequence on a model, which outlives it.
class Expected {
  public:
    static Result<Expected> create(const Model& model);
    Result<ExpectedRun> run(std::span<const int32_t> tokens);  // the sequence's next tokens

  private:
    Expected(const Model& model, graph::Executor executor, StatePool states)
        : model_(model), executor_(std::move(executor)), states_(std::move(states)) {}
    Result<graph::Compiled*> prepare(int64_t n_tok);
    Result<Bytes> state_of(const graph::Graph& graph, const graph::Node& node);

    const Model& model_;
    graph::Executor executor_;
    StatePool states_;
    bool is_fresh_ = true;
};

}  // namespace krait
