// SPDX-License-Identifier: Apache-2.0
#include "graph/lower.hpp"

#include "core/ops/op_list.hpp"

#include <algorithm>

namespace krait::graph {

LoweredGraph::LoweredGraph(const Graph& graph)
    : LoweredGraph(graph, 0, static_cast<uint32_t>(graph.nodes.size()), nullptr, nullptr) {}

LoweredGraph::LoweredGraph(const Graph& graph, uint32_t first_node, uint32_t n_nodes, const Buffer& arena,
                           const MemoryPlan& plan)
    : LoweredGraph(graph, first_node, n_nodes, &arena, &plan) {}

LoweredGraph::LoweredGraph(const Graph& graph, uint32_t first_node, uint32_t n_nodes, const Buffer* arena,
                           const MemoryPlan* plan) {
    tensors_.reserve(graph.tensors.size());
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        const Tensor& tensor = graph.tensors[i];
        krait_graph_tensor lowered{};
        lowered.desc = tensor.desc;
        lowered.base = tensor.base;
        lowered.name = tensor.name.c_str();
        lowered.dim = tensor.dim;
        switch (tensor.role) {
            case TensorRole::constant: lowered.role = KRAIT_TENSOR_CONSTANT; break;
            case TensorRole::memory: lowered.role = KRAIT_TENSOR_MEMORY; break;
            default: lowered.role = KRAIT_TENSOR_VALUE; break;
        }
        if (tensor.storage) {
            lowered.buffer = tensor.storage->get();
        } else if (arena && lowered.role == KRAIT_TENSOR_VALUE) {
            lowered.buffer = arena->get();
            lowered.offset = plan->offset[i];
        }
        tensors_.push_back(lowered);
    }
    nodes_.reserve(n_nodes);
    for (const Node& node : std::span(graph.nodes).subspan(first_node, n_nodes)) {
        krait_graph_node lowered{};
        lowered.op = static_cast<uint32_t>(node.op);
        std::copy(node.in.begin(), node.in.end(), lowered.in);
        std::copy(node.out.begin(), node.out.end(), lowered.out);
        lowered.params_size = op_spec(node.op).params_size;
        lowered.params = node.params.data();
        lowered.name = node.name.c_str();
        nodes_.push_back(lowered);
    }
    graph_.struct_size = sizeof graph_;
    graph_.n_tensors = static_cast<uint32_t>(tensors_.size());
    graph_.tensors = tensors_.data();
    graph_.n_nodes = static_cast<uint32_t>(nodes_.size());
    graph_.nodes = nodes_.data();
    graph_.n_dims = static_cast<uint32_t>(graph.dim_max.size());
    graph_.dim_max = graph.dim_max.data();
}

}  // namespace krait::graph
