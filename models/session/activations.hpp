// SPDX-License-Identifier: Apache-2.0
//
// The operands of a run's matrix products: the graph is data, so their operands become outputs of it before it is compiled, and
// are read back after every run. Only sessions with an observer do so; all others run the graph as it is.
#pragma once

#include <functional>

#include "graph/executor.hpp"

namespace krait {

// The x of y = W x, one row a token of any sequence; of experts one for each that a token goes to. Good during the call.
struct Activations {
    std::string_view weight;        // the name of W in the file
    std::span<const float> memory;  // of all rows: those of a token `stride` after those of the one before
    int64_t n_row = 0, width = 0, stride = 0;
    int64_t rows_of_token = 1;  // each `step` after the one before: 0 where all of them are the same numbers
    int64_t step = 0;
    int64_t n_matrix = 1;              // experts of W
    std::span<const int32_t> experts;  // the one of each row; empty where there is only one

    std::span<const float> row(int64_t r) const {
        return memory.subspan(static_cast<size_t>(r / rows_of_token * stride + r % rows_of_token * step),
                              static_cast<size_t>(width));
    }
    // Numbers that no expert has are possible.
    int64_t matrix_of(int64_t r) const { return experts.empty() ? 0 : experts[static_cast<size_t>(r)]; }
};
using ActivationObserver = std::function<void(const Activations&)>;

// Makes outputs of what every mul_mat and mul_mat_experts with a constant W reads. More memory than before: nothing of it can
// be shared.
void keep_activations(graph::Graph& graph);

// After a run of a graph that keep_activations has seen.
Result<void> read_activations(graph::Executor& executor, graph::Compiled& compiled, const ActivationObserver& observe);

}  // namespace krait
