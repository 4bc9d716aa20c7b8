// SPDX-License-Identifier: Apache-2.0
#include "models/session/placed_forward.hpp"

namespace krait {

using graph::kNoTensor;
using graph::TensorId;

Result<graph::PlacedGraph> build_placed(const Model& model, const SequenceMemory& memory, graph::Graph graph) {
    KRAIT_TRY(std::vector<int32_t> device, model.placement().devices_of(graph));
    std::vector<int32_t> device_of_tensor(graph.tensors.size(), -1);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
        graph::Node& node = graph.nodes[n];
        for (TensorId& id : node.in) {
            if (id == kNoTensor) continue;
            const bool is_constant = graph[id].role == graph::TensorRole::constant;
            if (!is_constant && graph[id].role != graph::TensorRole::memory) continue;
            int32_t& at = device_of_tensor[static_cast<size_t>(id)];
            if (at >= 0 && at != device[n]) {  // one more device reads it: there it is another tensor
                graph.tensors.push_back(graph[id]);
                device_of_tensor.push_back(-1);
                id = static_cast<TensorId>(graph.tensors.size() - 1);
            }
            graph::Tensor& tensor = graph[id];
            const auto source = static_cast<size_t>(tensor.source);
            if (!is_constant && device[n] != model.placement().device_of_memory(source))
                return fail(ErrorCode::internal, "node '{}' runs on {}, and '{}', which it updates, is on another device",
                            node.name, model.placement().labels()[static_cast<size_t>(device[n])], tensor.name);
            tensor.storage = is_constant ? model.weights().find(source, device[n]) : memory.buffer(source);
            if (!tensor.storage)
                return fail(ErrorCode::internal, "node '{}' runs on {}, where '{}' is not", node.name,
                            model.placement().labels()[static_cast<size_t>(device[n])], tensor.name);
            device_of_tensor[static_cast<size_t>(id)] = device[n];
        }
    }
    return graph::PlacedGraph(std::move(graph), std::move(device));
}

}  // namespace krait
