// SPDX-License-Identifier: Apache-2.0
#include "models/session/activations.hpp"

#include <cstring>

#include "core/ops/mul_mat.hpp"
#include "core/ops/mul_mat_experts.hpp"

namespace krait {
namespace {

struct Product {
    graph::TensorId x, w, ids;  // ids: the experts of each row, or kNoTensor
};

std::vector<Product> products(const graph::Graph& graph) {
    std::vector<Product> found;
    const auto add = [&](const Product& product) {
        const auto role = graph[graph.memory_of(product.x)].role;
        const bool is_computed = role == graph::TensorRole::value || role == graph::TensorRole::output;
        if (is_computed && graph[product.w].role == graph::TensorRole::constant) found.push_back(product);
    };
    for (const graph::Node& node : graph.nodes) {
        if (node.op == OpId::mul_mat) {
            const auto in = ops::as_named<ops::MulMat::template In>(node.in);
            add({in.x, in.w, graph::kNoTensor});
        } else if (node.op == OpId::mul_mat_experts) {
            const auto in = ops::as_named<ops::MulMatExperts::template In>(node.in);
            add({in.x, in.w, in.ids});
        }
    }
    return found;
}

// The bytes of the tensor that `id` is, or is a view of.
Result<void> read_memory(graph::Executor& executor, graph::Compiled& compiled, graph::TensorId id,
                         std::vector<std::byte>& bytes) {
    const graph::TensorId base = compiled.graph().memory_of(id);
    bytes.resize(static_cast<size_t>(span_bytes(compiled.graph()[base].desc)));
    return executor.read(compiled, base, bytes);
}

// Rows of an index tensor one after another.
std::vector<int32_t> gather_rows(const graph::Tensor& tensor, std::span<const std::byte> memory) {
    std::vector<int32_t> values(static_cast<size_t>(element_count(tensor.desc)));
    const auto row = static_cast<size_t>(inner_bytes(tensor.desc));
    for (int64_t t = 0; t < tensor.desc.extent[0]; ++t)
        std::memcpy(reinterpret_cast<std::byte*>(values.data()) + static_cast<size_t>(t) * row,
                    memory.data() + tensor.offset + static_cast<size_t>(t * tensor.desc.stride[0]), row);
    return values;
}

}  // namespace

void keep_activations(graph::Graph& graph) {
    for (const Product& product : products(graph)) {
        graph[graph.memory_of(product.x)].role = graph::TensorRole::output;
        if (product.ids != graph::kNoTensor) graph[graph.memory_of(product.ids)].role = graph::TensorRole::output;
    }
}

Result<void> read_activations(graph::Executor& executor, graph::Compiled& compiled, const ActivationObserver& observe) {
    const graph::Graph& graph = compiled.graph();
    std::vector<std::byte> memory, routes;
    for (const Product& product : products(graph)) {
        const graph::Tensor& x = graph[product.x];
        KRAIT_CHECK(read_memory(executor, compiled, product.x, memory));
        Activations activations{.weight = graph[product.w].name,
                                .memory = std::span(reinterpret_cast<const float*>(memory.data() + x.offset),
                                                    (memory.size() - x.offset) / sizeof(float)),
                                .n_row = x.desc.extent[0],
                                .width = last_extent(x.desc),
                                .stride = x.desc.stride[0] / static_cast<int64_t>(sizeof(float))};
        std::vector<int32_t> experts;
        if (product.ids != graph::kNoTensor) {
            KRAIT_CHECK(read_memory(executor, compiled, product.ids, routes));
            experts = gather_rows(graph[product.ids], routes);
            activations.n_row = element_count(graph[product.ids].desc);
            activations.rows_of_token = graph[product.ids].desc.extent[1];
            activations.step = x.desc.rank == 3 ? activations.width : 0;
            activations.n_matrix = graph[product.w].desc.extent[0];
            activations.experts = experts;
        }
        observe(activations);
    }
    return {};
}

}  // namespace krait
