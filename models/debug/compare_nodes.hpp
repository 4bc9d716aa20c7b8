// SPDX-License-Identifier: Apache-2.0
//
// Compares two loads of one model node by node: where a model's output is wrong on a device, this finds the node. Every node
// runs alone on the tested model's device with the operands and states that the expected model computed, so errors do not add
// up, and the first difference is the place of the defect. Two runs: the prompt, and one token after it, which reads the states
// that the prompt left.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>

#include "models/model.hpp"

namespace krait {

struct NodeDifference {
    std::string node;
    OpId op{};
    int32_t device = 0;     // of the tested model
    bool is_token = false;  // the run of one token; else the prompt's
    std::string result;     // "y [12, 768]" or "state [1, 1536, 16]"
    bool is_state = false;
    DType weights = DType::F32;  // format of the node's weight, F32 where it has none
    size_t n_values = 0;
    double error = 0;           // normalized squared error; of integers the fraction that differs
    double max_difference = 0;  // largest |got - expected|
    int64_t n_not_finite = 0;   // results that are NaN or infinite on one side alone
    // The node's first operand, for those who know how a device rounds it: rows of `operand`, valid during the call.
    TensorDesc operand{};
    std::span<const std::byte> operand_bytes;
};

// Called after each result, in the order of the nodes; false stops.
using NodeObserver = std::function<bool(const NodeDifference&)>;

// tokens: 2 or more, all but the last of them are the prompt. Both models are loads of the same file. Memory: twice all values
// of a run of the prompt (an arena in which none is overwritten, and a copy), and those of one token. Fails where a run fails,
// with the name of the node, and with `cancelled` where cancel is set meanwhile; it is asked between the runs.
Result<void> compare_nodes(const Model& expected, const Model& tested, std::span<const int32_t> tokens,
                           const NodeObserver& observe, const std::atomic<bool>* cancel = nullptr);

}  // namespace krait
