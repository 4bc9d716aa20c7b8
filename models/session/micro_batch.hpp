// SPDX-License-Identifier: Apache-2.0
//
// A micro-batch: one run of a session, from its batch to its result. It says which tokens it takes, what its graph reads, and
// where states go; it holds the slots that it has taken until the run is committed. A session reuses its micro-batches, so that
// a step with a known shape allocates nothing.
#pragma once

#include "graph/executor.hpp"
#include "models/architectures/forward.hpp"
#include "models/memory/state_ref.hpp"

namespace krait {

// A chunk of one input: the tokens of it that a micro-batch takes.
struct SequenceChunk {
    size_t input = 0, first = 0, count = 0;
    int32_t sequence = 0;
    bool ends = false;  // the input's last token is among them
};

// A snapshot that is taken in the middle of an input: of the state after `count` tokens of a chunk.
struct SnapshotPoint {
    size_t chunk = 0, count = 0;
};

// Hidden states of consecutive rows of a micro-batch, and where they go.
struct HiddenRows {
    size_t first_row = 0;
    std::span<float> values;
    std::span<double> sum = {};  // of d_model numbers, to which the rows are added when the run is committed; empty for none
};

struct MicroBatch {
    std::vector<SequenceChunk> chunks;
    size_t n_tok = 0;
    RunShape shape;
    RunSizes sizes{};  // how much of the shape is used; the rest of the inputs is padding
    std::vector<int32_t> ids, seq_start, src_slot, dst_slot, snapshots, out_rows;
    std::vector<int32_t> cache_rows;             // where each row goes in memories of pages
    std::vector<int32_t> positions, page_table;  // for attention: the place of each row, and the pages of each chunk's sequence
    std::vector<SlotRef> new_slots;              // by chunk: where its state goes; empty where it is written in place
    std::vector<SnapshotPoint> snapshot_points;  // one for each slot in `snapshots`, which prepare() fills in
    std::vector<StateRef> new_snapshots;         // by snapshot point
    std::vector<int32_t> top_rows;               // the last of out_rows
    std::vector<graph::InputBytes> inputs;
    std::vector<graph::OutputBytes> outputs;
    graph::Compiled* compiled = nullptr;
    // Where results go.
    std::span<float> logits, top_logits;
    std::span<int32_t> top_tokens;
    std::vector<HiddenRows> hidden;
    std::vector<float> summed_rows;  // hidden states of which only the sum is wanted
    graph::PipelineRun pipeline_run;

    void drop_states() {
        new_slots.clear();
        new_snapshots.clear();
    }

    void clear() {
        drop_states();
        chunks.clear();
        n_tok = 0;
        ids.clear();
        seq_start.assign(1, 0);
        src_slot.clear();
        dst_slot.clear();
        snapshots.clear();
        snapshot_points.clear();
        out_rows.clear();
        top_rows.clear();
        inputs.clear();
        outputs.clear();
        compiled = nullptr;
        logits = top_logits = {};
        top_tokens = {};
        hidden.clear();
    }

    // Connects the inputs and outputs above with the tensors of a compiled graph of this shape.
    void bind(graph::Compiled* graph) {
        const auto bytes = [](const std::vector<int32_t>& v) { return std::as_bytes(std::span(v)); };
        compiled = graph;
        const RunTensors tensors = run_tensors(graph->graph());
        inputs.push_back({tensors.ids, bytes(ids)});
        inputs.push_back({tensors.seq_start, bytes(seq_start)});
        inputs.push_back({tensors.src_slot, bytes(src_slot)});
        inputs.push_back({tensors.dst_slot, bytes(dst_slot)});
        if (shape.n_snapshot > 0) inputs.push_back({tensors.snapshots, bytes(snapshots)});
        if (tensors.cache_rows != graph::kNoTensor) inputs.push_back({tensors.cache_rows, bytes(cache_rows)});
        if (tensors.positions != graph::kNoTensor) {
            inputs.push_back({tensors.positions, bytes(positions)});
            inputs.push_back({tensors.page_table, bytes(page_table)});
        }
        if (shape.picks_rows()) inputs.push_back({tensors.out_rows, bytes(out_rows)});
        if (!logits.empty()) outputs.push_back({tensors.logits, std::as_writable_bytes(logits)});
        if (!top_tokens.empty()) {
            const size_t first = (static_cast<size_t>(sizes[kOutputs]) - top_rows.size()) * static_cast<size_t>(shape.top_k);
            outputs.push_back({tensors.top_logits, std::as_writable_bytes(top_logits), first * sizeof(float)});
            outputs.push_back({tensors.top_tokens, std::as_writable_bytes(top_tokens), first * sizeof(int32_t)});
        }
        for (const HiddenRows& rows : hidden) {
            const auto row_size = static_cast<uint64_t>(graph->graph()[tensors.hidden].desc.stride[0]);
            outputs.push_back({tensors.hidden, std::as_writable_bytes(rows.values), rows.first_row * row_size});
        }
        pipeline_run.compiled = compiled;
        pipeline_run.inputs = inputs;
        pipeline_run.outputs = outputs;
        pipeline_run.sizes = sizes;
    }
};

}  // namespace krait
