// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/forward.hpp"

#include <algorithm>

namespace krait {
namespace {

using graph::GraphBuilder;
using graph::kNoTensor;
using graph::TensorId;

TensorDesc pool_desc(const LayerState& state, int64_t n_slots) {
    std::vector<int64_t> extents{n_slots};
    extents.insert(extents.end(), state.extent.begin(), state.extent.begin() + state.rank);
    return make_desc(DType::F32, extents);
}

class Layer final : public LayerContext {
  public:
    Layer(GraphBuilder& builder, const WeightDescs& weights, std::span<const LayerState> states, int64_t n_slots,
          const Ragged& ragged, int64_t index)
        : builder_(builder), weights_(weights), states_(states), n_slots_(n_slots), ragged_(ragged), index_(index) {}

    GraphBuilder& builder() override { return builder_; }
    TensorId weight(std::string_view suffix) override {
        const std::string full = layer_name(index_, suffix);
        const auto found = weights_.find(full);
        return found == weights_.end() ? kNoTensor : builder_.constant(full, found->second, nullptr);
    }
    TensorId state(OpId op) override {
        const auto found = std::find_if(states_.begin(), states_.end(), [&](const LayerState& s) { return s.op == op; });
        return builder_.state(name(fmt::format("{}.state", op_name(op))), pool_desc(*found, n_slots_), nullptr);
    }
    std::string name(std::string_view what) const override { return layer_name(index_, what); }
    const Ragged& ragged() const override { return ragged_; }

  private:
    GraphBuilder& builder_;
    const WeightDescs& weights_;
    std::span<const LayerState> states_;
    int64_t n_slots_;
    const Ragged& ragged_;
    int64_t index_;
};

}  // namespace

RunTensors run_tensors(const graph::Graph& graph, const RunShape& shape) {
    // build_forward adds the inputs first and the head last.
    TensorId next = 4;
    RunTensors tensors{.ids = 0,
                       .seq_start = 1,
                       .src_slot = 2,
                       .dst_slot = 3,
                       .snapshots = shape.n_snapshot > 0 ? next++ : kNoTensor,
                       .out_rows = shape.picks_rows() ? next++ : kNoTensor,
                       .logits = kNoTensor,
                       .top_logits = kNoTensor,
                       .top_tokens = kNoTensor};
    const graph::Node* last = &graph.nodes.back();
    if (shape.n_out > 0 && shape.top_k > 0) {
        tensors.top_logits = last->out[0];
        tensors.top_tokens = last->out[1];
        --last;
    }
    if (shape.n_out > 0) tensors.logits = last->out[0];
    return tensors;
}

Result<graph::Graph> build_forward(const Architecture& architecture, const WeightDescs& weights, int64_t n_slots,
                                   const RunShape& shape, int64_t n_token) {
    GraphBuilder b;
    const auto index_input = [&](const char* name, int64_t n, GraphBuilder::Dim dim) {
        return b.input(name, make_desc(DType::I32, {n}), dim);
    };
    const auto rows = b.dim(shape.n_tok), sequences = b.dim(shape.n_seq), outputs = b.dim(shape.n_out),
               kept = b.dim(shape.n_snapshot);
    const auto weight = [&](const std::string& name) { return b.constant(name, weights.find(name)->second, nullptr); };
    const TensorId ids = index_input("ids", shape.n_tok, rows);
    const TensorId seq_start = index_input("seq_start", shape.n_seq + 1, sequences);
    const TensorId src_slot = index_input("src_slot", shape.n_seq, sequences);
    const TensorId dst_slot = index_input("dst_slot", shape.n_seq, sequences);
    const TensorId snapshots =
        shape.n_snapshot > 0 ? b.input("snapshots", make_desc(DType::I32, {shape.n_snapshot, 2}), kept) : kNoTensor;
    const TensorId out_rows = shape.picks_rows() ? index_input("out_rows", shape.n_out, outputs) : kNoTensor;

    const TensorId embedding = weight("token_embd.weight");
    TensorId x = b.op<ops::GetRows>("embed", {.table = embedding, .ids = ids}).y;
    const LayerContext::Ragged ragged{seq_start, src_slot, dst_slot, snapshots};
    const std::vector<LayerState> states = architecture.layer_states();
    for (int64_t i = 0; i < architecture.shape().n_layer; ++i) {
        b.layer(static_cast<int32_t>(i));
        Layer layer(b, weights, states, n_slots, ragged, i);
        x = architecture.build_layer(layer, x);
    }
    if (shape.n_out > 0) {
        // Still with the last layer: where the head is elsewhere, only the rows that it needs go there.
        if (shape.picks_rows()) x = b.op<ops::GetRows>("last_rows", {.table = x, .ids = out_rows}).y;
        b.layer(graph::kHead);
        const TensorId normed = b.op<ops::RmsNorm>("output_norm", {.x = x, .weight = weight("output_norm.weight")},
                                                   {.eps = architecture.shape().norm_eps, .groups = 1})
                                    .y;
        const TensorId head = architecture.shape().tied_head ? embedding : weight("output.weight");
        const TensorId logits = b.op<ops::MulMat>("logits", {.x = normed, .w = head}).y;
        b.output(logits);
        if (shape.top_k > 0) {
            const TensorId of_tokens = b.columns("token_logits", logits, 0, std::min(n_token, b.desc(logits).extent[1]));
            const auto top = b.op<ops::TopK>("top_k", {.x = of_tokens}, {.k = shape.top_k});
            b.output(top.values);
            b.output(top.indices);
        }
    }
    return std::move(b).finish();
}

}  // namespace krait
