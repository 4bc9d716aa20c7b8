// SPDX-License-Identifier: Apache-2.0
//
// One node alone on the tested model's device, with the operands and the state that the expected model had there.
#pragma once

#include "models/debug/expected_run.hpp"

namespace krait {

class TestedNode {
  public:
    TestedNode(const Model& model, const graph::Node& node) : model_(model), device_(model.placement().device_of(node.name)) {}
    int32_t device() const { return device_; }

    struct Results {
        std::vector<Bytes> outputs;  // as node.out, absent ones left out
        Bytes state;                 // what it left in its memory, as ExpectedRun::states
    };
    // index: of the node in expected.graph. before: the state that the expected node had, empty for none.
    Result<Results> run(const ExpectedRun& expected, size_t index, std::span<const std::byte> before);

  private:
    // A graph of this node alone, and what its inputs are.
    struct Alone {
        graph::Graph graph;
        std::vector<graph::InputBytes> inputs;
    };
    Result<Alone> isolate(const ExpectedRun& expected, const graph::Node& node);
    Result<void> make_memory(const Device& device, OpId op, const graph::Tensor& like);
    Result<void> write_units(Queue& queue, std::span<const std::byte> bytes) const;

    const Model& model_;
    int32_t device_;
    graph::Tensor memory_;  // its storage is kept from one run to the next
};

}  // namespace krait
