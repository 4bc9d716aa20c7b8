// SPDX-License-Identifier: Apache-2.0
#include "models/session/activations.hpp"

#include "core/ops/mul_mat.hpp"

namespace krait {
namespace {

struct Product {
    graph::TensorId x, w;
};

std::vector<Product> products(const graph::Graph& graph) {
    std::vector<Product> found;
    for (const graph::Node& node : graph.nodes) {
        if (node.op != OpId::mul_mat) continue;
        const auto in = ops::as_named<ops::MulMat::template In>(node.in);
        const auto role = graph[graph.memory_of(in.x)].role;
        const bool is_computed = role == graph::TensorRole::value || role == graph::TensorRole::output;
        if (is_computed && graph[in.w].role == graph::TensorRole::constant) found.push_back({in.x, in.w});
    }
    return found;
}

}  // namespace

void keep_activations(graph::Graph& graph) {
    for (const Product& product : products(graph)) graph[graph.memory_of(product.x)].role = graph::TensorRole::output;
}

Result<void> read_activations(graph::Executor& executor, graph::Compiled& compiled, const ActivationObserver& observe) {
    const graph::Graph& graph = compiled.graph();
    std::vector<float> memory;
    for (const Product& product : products(graph)) {
        const graph::Tensor& x = graph[product.x];
        const graph::TensorId base = graph.memory_of(product.x);
        memory.resize(static_cast<size_t>(span_bytes(graph[base].desc)) / sizeof(float));
        KRAIT_CHECK(executor.read(compiled, base, std::as_writable_bytes(std::span(memory))));
        observe({.weight = graph[product.w].name,
                 .memory = std::span<const float>(memory).subspan(x.offset / sizeof(float)),
                 .n_row = x.desc.extent[0],
                 .width = x.desc.extent[1],
                 .stride = x.desc.stride[0] / static_cast<int64_t>(sizeof(float))});
    }
    return {};
}

}  // namespace krait
