// SPDX-License-Identifier: Apache-2.0
//
// The operands of a run's matrix products: the graph is data, so their operands become outputs of it before it is compiled, and
// are read back after every run. Only sessions with an observer do so; all others run the graph as it is.
#pragma once

#include <functional>

#include "graph/executor.hpp"

namespace krait {

// The x of y = W x, one row a token of any sequence. Good during the call.
struct Activations {
    std::string_view weight;        // the name of W in the file
    std::span<const float> memory;  // n_row rows of `width` numbers, each `stride` after the one before
    int64_t n_row = 0, width = 0, stride = 0;
    std::span<const float> row(int64_t r) const {
        return memory.subspan(static_cast<size_t>(r * stride), static_cast<size_t>(width));
    }
};
using ActivationObserver = std::function<void(const Activations&)>;

// Makes outputs of what every mul_mat with a constant W reads. More memory than before: nothing of it can be shared.
void keep_activations(graph::Graph& graph);

// After a run of a graph that keep_activations has seen.
Result<void> read_activations(graph::Executor& executor, graph::Compiled& compiled, const ActivationObserver& observe);

}  // namespace krait
