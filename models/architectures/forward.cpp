// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/forward.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>

#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/residual_block.hpp"

namespace krait {
namespace {

using graph::GraphBuilder;
using graph::kNoTensor;
using graph::TensorId;

// As Graph::handles has them.
using Handles = std::array<TensorId, sizeof(RunTensors) / sizeof(TensorId)>;

RunTensors add_inputs(GraphBuilder& b, const RunShape& shape, const Architecture& architecture, const MemorySizes& memory) {
    const auto rows = b.dim(shape.n_tok), sequences = b.dim(shape.n_seq), outputs = b.dim(shape.n_out),
               kept = b.dim(shape.n_snapshot), hidden = b.dim(shape.n_hidden);
    const auto index_input = [&](const char* name, int64_t n, GraphBuilder::Dim dim) {
        return b.input(name, make_desc(DType::I32, {n}), dim);
    };
    RunTensors run;
    run.ids = index_input("ids", shape.n_tok, rows);
    run.seq_start = index_input("seq_start", shape.n_seq + 1, sequences);
    run.src_slot = index_input("src_slot", shape.n_seq, sequences);
    run.dst_slot = index_input("dst_slot", shape.n_seq, sequences);
    if (shape.n_snapshot > 0) run.snapshots = b.input("snapshots", make_desc(DType::I32, {shape.n_snapshot, 2}), kept);
    if (architecture.has_pages()) run.cache_rows = index_input("cache_rows", shape.n_tok, rows);
    if (architecture.has_attention()) {
        run.positions = index_input("positions", shape.n_tok, rows);
        run.page_table = b.input("page_table", make_desc(DType::I32, {shape.n_seq, memory.sequence_pages}), sequences);
    }
    if (shape.picks_rows()) run.out_rows = index_input("out_rows", shape.n_out, outputs);
    if (shape.picks_hidden_rows()) run.hidden_rows = index_input("hidden_rows", shape.n_hidden, hidden);
    return run;
}

TensorId pick_rows(GraphBuilder& b, const char* node, TensorId h, TensorId rows) {
    return rows == kNoTensor ? h : b.op<ops::GetRows>(node, {.table = h, .ids = rows}).y;
}

void add_top_k(GraphBuilder& b, const RunShape& shape, int64_t n_token, TensorId logits, RunTensors& run) {
    const TensorId of_tokens = b.columns("token_logits", logits, 0, std::min(n_token, b.desc(logits).extent[1]));
    const auto top = b.op<ops::TopK>("top_k", {.x = of_tokens}, {.k = shape.top_k});
    b.output(run.top_logits = top.values);
    b.output(run.top_tokens = top.indices);
}

}  // namespace

RunKey::RunKey(const RunShape& shape)
    : size_(fmt::format_to_n(text_.data(), text_.size(), "{}/{}/{}/{}/{}/{}", shape.n_tok, shape.n_seq, shape.n_out,
                             shape.top_k, shape.n_snapshot, shape.n_hidden)
                .size) {}

RunTensors run_tensors(const graph::Graph& graph) {
    Handles handles;
    assert(graph.handles.size() == handles.size());
    std::copy_n(graph.handles.begin(), handles.size(), handles.begin());
    return std::bit_cast<RunTensors>(handles);
}

Result<graph::Graph> build_forward(const Architecture& architecture, const WeightDescs& weights,
                                   const MemorySizes& memory_sizes, const RunShape& shape, int64_t n_token) {
    GraphBuilder b;
    RunTensors run = add_inputs(b, shape, architecture, memory_sizes);
    ForwardContext forward{.builder = b,
                           .weights = weights,
                           .memory_sizes = memory_sizes,
                           .norm_eps = architecture.shape().norm_eps,
                           .seq_start = run.seq_start,
                           .src_slot = run.src_slot,
                           .dst_slot = run.dst_slot,
                           .snapshots = run.snapshots,
                           .cache_rows = run.cache_rows,
                           .positions = run.positions,
                           .page_table = run.page_table};
    const ModelShape& model = architecture.shape();
    const int64_t n_layer = model.n_layer;
    const auto scaled = [&](const char* node, TensorId x, float scale) {
        return scale == 1 ? x : b.op<ops::Scale>(node, {.x = x}, {.scale = scale}).y;
    };
    LayerContext embedding(forward, architecture.embedding(), "", 0, 0);
    TensorId h = b.op<ops::GetRows>("embed", {.table = embedding.weight("token_embd.weight"), .ids = run.ids}).y;
    h = forward.embedding = scaled("scaled_embedding", h, model.embedding_scale);
    for (int64_t i = 0; i < n_layer; ++i) {
        b.layer(static_cast<int32_t>(i));
        LayerContext layer(forward, architecture.layer(i), layer_prefix(i), architecture.first_weight(i),
                           architecture.first_memory(i));
        h = build_layer(layer, architecture.layer(i), h);
    }
    // Still with the last layer: where the head is elsewhere, only the rows that it needs go there.
    const TensorId out = shape.n_out > 0 ? pick_rows(b, "last_rows", h, run.out_rows) : kNoTensor;
    const TensorId hidden = shape.n_hidden > 0 ? pick_rows(b, "picked_rows", h, run.hidden_rows) : kNoTensor;
    b.layer(graph::kHead);
    LayerContext head(forward, architecture.head(), "", architecture.first_weight(n_layer), architecture.first_memory(n_layer));
    if (hidden != kNoTensor) b.output(run.hidden = norm(head, "hidden", {.x = hidden, .weight = model.output_norm}));
    if (out != kNoTensor) {
        // The factor of the logits is applied where there are fewer numbers.
        const TensorId normed =
            scaled("scaled_output", norm(head, "output_norm", {.x = out, .weight = model.output_norm}), model.logit_scale);
        const TensorId logits = model.tied_head ? linear(embedding, "logits", {.x = normed, .weight = "token_embd.weight"})
                                                : linear(head, "logits", {.x = normed, .weight = "output.weight"});
        b.output(run.logits = logits);
        if (shape.top_k > 0) add_top_k(b, shape, n_token, logits, run);
    }
    KRAIT_TRY(graph::Graph graph, std::move(b).finish());
    const auto handles = std::bit_cast<Handles>(run);
    graph.handles.assign(handles.begin(), handles.end());
    return graph;
}

}  // namespace krait
