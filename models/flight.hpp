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

// A state that is kept on the way: after `count` tokens of a piece.
struct KeptState {
    size_t piece = 0, count = 0;
};

struct Flight {
    std::vector<Piece> pieces;
    size_t n_tok = 0;
    RunShape shape;
    std::vector<int32_t> ids, seq_start, src_slot, dst_slot, snapshots, out_rows;
    std::vector<KeptState> kept;    // as `snapshots`, whose slots it gets when the run is made ready
    std::vector<int32_t> top_rows;  // the last of out_rows
    std::vector<graph::InputBytes> inputs;
    std::vector<graph::OutputBytes> outputs;
    graph::Compiled* compiled = nullptr;
    // Where results go.
    std::span<float> logits, top_logits;
    std::span<int32_t> top_tokens;
    graph::PipelineRun under_way;

    void clear() {
        pieces.clear();
        n_tok = 0;
        ids.clear();
        seq_start.assign(1, 0);
        src_slot.clear();
        dst_slot.clear();
        snapshots.clear();
        kept.clear();
        out_rows.clear();
        top_rows.clear();
        inputs.clear();
        outputs.clear();
        compiled = nullptr;
        logits = top_logits = {};
        top_tokens = {};
    }

    // What the graph of this shape reads, and where its results stand.
    void bind(graph::Compiled* graph) {
        const auto bytes = [](const std::vector<int32_t>& v) { return std::as_bytes(std::span(v)); };
        compiled = graph;
        const RunTensors tensors = run_tensors(graph->graph(), shape);
        inputs.push_back({tensors.ids, bytes(ids)});
        inputs.push_back({tensors.seq_start, bytes(seq_start)});
        inputs.push_back({tensors.src_slot, bytes(src_slot)});
        inputs.push_back({tensors.dst_slot, bytes(dst_slot)});
        if (shape.n_snapshot > 0) inputs.push_back({tensors.snapshots, bytes(snapshots)});
        if (shape.picks_rows()) inputs.push_back({tensors.out_rows, bytes(out_rows)});
        if (!logits.empty()) outputs.push_back({tensors.logits, std::as_writable_bytes(logits)});
        if (!top_tokens.empty()) {
            outputs.push_back({tensors.top_logits, std::as_writable_bytes(top_logits)});
            outputs.push_back({tensors.top_tokens, std::as_writable_bytes(top_tokens)});
        }
        under_way.compiled = compiled;
        under_way.inputs = inputs;
        under_way.outputs = outputs;
    }
};

}  // namespace krait
