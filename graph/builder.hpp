// SPDX-License-Identifier: Apache-2.0
//
// Builds a graph, one call a node; shapes of results come from the op's contract. The first mistake is kept and returned by
// finish(); calls after it do nothing, so a model's code needs no check after every node.
//   GraphBuilder b;
//   TensorId ids = b.input("ids", make_desc(DType::I32, {n_tok}));
//   TensorId x = b.op<ops::GetRows>("embed", {.table = table, .ids = ids}).y;
#pragma once

#include <optional>

#include "core/ops/op_list.hpp"
#include "graph/graph.hpp"

namespace krait::graph {

class GraphBuilder {
  public:
    // A dynamic dimension of at most `max`, for inputs: extent[0] of what is computed row by row from them goes with it.
    enum class Dim : uint32_t { fixed = 0 };
    Dim dim(int64_t max) {
        graph_.dim_max.push_back(max);
        return static_cast<Dim>(graph_.dim_max.size());
    }

    TensorId input(std::string name, const TensorDesc& desc, Dim dim = Dim::fixed) {
        return add({std::move(name), desc, TensorRole::input, kNoTensor, 0, nullptr, static_cast<uint32_t>(dim)});
    }
    // source: Tensor::source.
    TensorId constant(std::string name, const TensorDesc& desc, std::shared_ptr<const Buffer> storage, int32_t source = -1) {
        return add({std::move(name), desc, TensorRole::constant, kNoTensor, 0, std::move(storage), 0, source});
    }
    TensorId memory(std::string name, const TensorDesc& desc, std::shared_ptr<const Buffer> storage, int32_t source = -1) {
        return add({std::move(name), desc, TensorRole::memory, kNoTensor, 0, std::move(storage), 0, source});
    }

    // desc over the memory of `of`, `offset` bytes further on; `of` may be a view.
    TensorId view(std::string name, TensorId of, const TensorDesc& desc, uint64_t offset = 0);
    // Columns [first, first + count) of a [T, E] tensor, as [T, count].
    TensorId columns(std::string name, TensorId of, int64_t first, int64_t count);
    // The same elements as other extents: [T, E] as [T, H, P] with H * P = E; rows keep their stride.
    TensorId split_columns(std::string name, TensorId of, int64_t outer, int64_t inner);
    // [T, H, P] as [T, H * P].
    TensorId merge_columns(std::string name, TensorId of);

    // An operand that is not named is absent.
    struct Operand {
        TensorId id = kNoTensor;
        Operand() = default;
        Operand(TensorId tensor) : id(tensor) {}  // implicit: b.op<ops::Add>("sum", {.a = x, .b = y})
    };
    template <class Op>
    using In = typename Op::template In<Operand>;
    template <class Op>
    using Out = typename Op::template Out<TensorId>;

    template <class Op>
    Out<Op> op(std::string name, const In<Op>& in, const typename Op::Params& params = {}) {
        std::array<TensorId, KRAIT_MAX_INPUTS> inputs;
        inputs.fill(kNoTensor);
        std::memcpy(inputs.data(), &in, sizeof in);
        const auto outputs = add_node(id_of<Op>(), std::move(name), inputs, &params);
        return ops::as_named<Op::template Out>(outputs);
    }

    // Nodes that are added from now on belong to this layer (Node::layer).
    void layer(int32_t layer) { layer_ = layer; }

    // Marks a node's result as read by the host.
    void output(TensorId id);

    const TensorDesc& desc(TensorId id) const;
    // A mistake of the caller's own, which finish() returns unless there was one before it.
    void record_error(Error error);
    Result<Graph> finish() &&;

  private:
    template <class Op>
    static constexpr OpId id_of() {
#define KRAIT_OP(id, name, Type, params_size, revision) \
    if constexpr (std::is_same_v<Op, ops::Type>) return OpId::name;
#include "core/ops/op_list.def"
    }
    TensorId add(Tensor tensor);
    std::array<TensorId, KRAIT_MAX_OUTPUTS> add_node(OpId op, std::string name,
                                                     const std::array<TensorId, KRAIT_MAX_INPUTS>& in, const void* params);
    uint32_t dim_of_rows(const OpSpec& spec, const std::array<TensorId, KRAIT_MAX_INPUTS>& in) const;

    Graph graph_;
    int32_t layer_ = kEmbedding;
    std::optional<Error> error_;
};

}  // namespace krait::graph
