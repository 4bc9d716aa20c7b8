// SPDX-License-Identifier: Apache-2.0
//
// One run of a session from its batch to its result: which tokens it takes, what its graph reads, and where states go. A
// session keeps its flights, so that a step that was seen before allocates nothing.
#pragma once

#include "models/forward.hpp"

namespace krait {

// Tokens of an input that one run takes.
struct Piece {
    size_t input = 0, first = 0, count = 0;
    int32_t sequence = 0;
    bool ends = false;  // the input's last token is among them
};

struct Flight {
    std::vector<Piece> pieces;
    size_t n_tok = 0;
    RunShape shape;
    std::vector<int32_t> ids, seq_start, src_slot, dst_slot, out_rows;
    std::vector<graph::InputBytes> inputs;
    graph::Compiled* compiled = nullptr;
    graph::TensorId logits = graph::kNoTensor;
    std::span<float> out;  // where the logits go
    graph::PipelineRun under_way;

    void clear() {
        pieces.clear();
        n_tok = 0;
        ids.clear();
        seq_start.assign(1, 0);
        src_slot.clear();
        dst_slot.clear();
        out_rows.clear();
        inputs.clear();
        compiled = nullptr;
        out = {};
    }

    // What the graph of this shape reads, and where its logits stand.
    void bind(graph::Compiled* graph) {
        const auto bytes = [](const std::vector<int32_t>& v) { return std::as_bytes(std::span(v)); };
        compiled = graph;
        const RunTensors tensors = run_tensors(graph->graph(), shape);
        inputs.push_back({tensors.ids, bytes(ids)});
        inputs.push_back({tensors.seq_start, bytes(seq_start)});
        inputs.push_back({tensors.src_slot, bytes(src_slot)});
        inputs.push_back({tensors.dst_slot, bytes(dst_slot)});
        if (shape.picks_rows()) inputs.push_back({tensors.out_rows, bytes(out_rows)});
        logits = tensors.logits;
        under_way.compiled = compiled;
        under_way.inputs = inputs;
        under_way.output = logits;
        under_way.bytes = std::as_writable_bytes(out);
    }
};

}  // namespace krait
