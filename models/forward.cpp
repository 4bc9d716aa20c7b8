// SPDX-License-Identifier: Apache-2.0
#include "models/forward.hpp"

namespace krait {
namespace {

using graph::GraphBuilder;
using graph::kNoTensor;
using graph::TensorId;

class Layer final : public LayerContext {
  public:
    Layer(GraphBuilder& builder, const Model& model, const StatePool& states, const Ragged& ragged, int64_t index)
        : builder_(builder), model_(model), states_(states), ragged_(ragged), index_(index) {}

    GraphBuilder& builder() override { return builder_; }
    TensorId weight(std::string_view suffix) override {
        const std::string full = layer_name(index_, suffix);
        const Weight* weight = model_.weights().find(full);
        return weight ? builder_.constant(full, weight->desc, weight->buffer) : kNoTensor;
    }
    TensorId state(OpId op) override {
        return builder_.state(name(fmt::format("{}.state", op_name(op))), states_.desc(op), states_.buffer(index_, op));
    }
    std::string name(std::string_view what) const override { return layer_name(index_, what); }
    const Ragged& ragged() const override { return ragged_; }

  private:
    GraphBuilder& builder_;
    const Model& model_;
    const StatePool& states_;
    const Ragged& ragged_;
    int64_t index_;
};

}  // namespace

RunTensors run_tensors(const graph::Graph& graph, const RunShape& shape) {
    // build_forward adds the inputs first and the head last.
    return {.ids = 0,
            .seq_start = 1,
            .src_slot = 2,
            .dst_slot = 3,
            .out_rows = shape.picks_rows() ? 4 : kNoTensor,
            .logits = shape.n_out > 0 ? graph.nodes.back().out[0] : kNoTensor};
}

Result<graph::Graph> build_forward(const Model& model, const StatePool& states, const RunShape& shape) {
    GraphBuilder b;
    const auto index_input = [&](const char* name, int64_t n) { return b.input(name, make_desc(DType::I32, {n})); };
    const auto weight = [&](const std::string& name) {
        const Weight* found = model.weights().find(name);
        return b.constant(name, found->desc, found->buffer);
    };
    const TensorId ids = index_input("ids", shape.n_tok);
    const TensorId seq_start = index_input("seq_start", shape.n_seq + 1);
    const TensorId src_slot = index_input("src_slot", shape.n_seq);
    const TensorId dst_slot = index_input("dst_slot", shape.n_seq);
    const TensorId out_rows = shape.picks_rows() ? index_input("out_rows", shape.n_out) : kNoTensor;

    const TensorId embedding = weight("token_embd.weight");
    TensorId x = b.op<ops::GetRows>("embed", {.table = embedding, .ids = ids}).y;
    const LayerContext::Ragged ragged{seq_start, src_slot, dst_slot, kNoTensor};
    for (int64_t i = 0; i < model.shape().n_layer; ++i) {
        Layer layer(b, model, states, ragged, i);
        x = model.architecture().build_layer(layer, x);
    }
    if (shape.n_out > 0) {
        if (shape.picks_rows()) x = b.op<ops::GetRows>("last_rows", {.table = x, .ids = out_rows}).y;
        const TensorId normed = b.op<ops::RmsNorm>("output_norm", {.x = x, .weight = weight("output_norm.weight")},
                                                   {.eps = model.shape().norm_eps, .groups = 1})
                                    .y;
        const TensorId head = model.shape().tied_head ? embedding : weight("output.weight");
        b.output(b.op<ops::MulMat>("logits", {.x = normed, .w = head}).y);
    }
    return std::move(b).finish();
}

}  // namespace krait
