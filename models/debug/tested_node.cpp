// SPDX-License-Identifier: Apache-2.0
#include "models/debug/tested_node.hpp"

#include <map>

#include "core/ops/op_list.hpp"

namespace krait {

using graph::Graph;
using graph::kNoTensor;
using graph::Node;
using graph::Tensor;
using graph::TensorId;
using graph::TensorRole;

Result<TestedNode::Alone> TestedNode::isolate(const ExpectedRun& expected, const Node& node) {
    const Device& device = *model_.devices()[static_cast<size_t>(device_)];
    Alone result;
    Graph& one = result.graph;
    one.dim_max = expected.graph.dim_max;
    Node alone = node;
    std::map<TensorId, TensorId> known;  // from the whole graph to this one
    const auto add = [&](Tensor tensor) {
        one.tensors.push_back(std::move(tensor));
        return static_cast<TensorId>(one.tensors.size() - 1);
    };
    for (TensorId& id : alone.in) {
        if (id == kNoTensor) continue;
        const Tensor& tensor = expected.graph[id];
        const TensorId base = expected.graph.memory_of(id);
        if (!known.contains(base)) {
            Tensor copy = expected.graph[base];
            if (copy.role == TensorRole::constant) {
                copy.storage = model_.weights().find(static_cast<size_t>(copy.source), device_);
                if (!copy.storage) return fail(ErrorCode::internal, "'{}' is not on {}", copy.name, device.name());
            } else if (copy.role == TensorRole::memory) {
                KRAIT_CHECK(make_state(device, node.op, copy.desc));
                copy.storage = state_;
            } else {
                copy.role = TensorRole::input;
            }
            const bool is_input = copy.role == TensorRole::input;
            known[base] = add(std::move(copy));
            if (is_input) result.inputs.push_back({known[base], expected.bytes[static_cast<size_t>(base)]});
        }
        id = tensor.role == TensorRole::view
                 ? add({tensor.name, tensor.desc, TensorRole::view, known[base], tensor.offset, nullptr})
                 : known[base];
    }
    for (TensorId& id : alone.out)
        if (id != kNoTensor)
            id = add({expected.graph[id].name, expected.graph[id].desc, TensorRole::output, kNoTensor, 0, nullptr});
    one.nodes.push_back(alone);
    return result;
}

Result<TestedNode::Results> TestedNode::run(const ExpectedRun& expected, const Node& node, std::span<const std::byte> before) {
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model_.devices()[static_cast<size_t>(device_)]));
    KRAIT_TRY(const Alone alone, isolate(expected, node));
    const Graph& one = alone.graph;
    if (state_ && !before.empty()) KRAIT_CHECK(executor.queue().import_memory(*state_, 0, before));
    KRAIT_TRY(graph::Compiled * compiled, executor.prepare("node", [&]() -> Result<Graph> { return one; }));
    KRAIT_CHECK(executor.run(*compiled, alone.inputs));
    Results results;
    for (const TensorId id : one.nodes[0].out) {
        if (id == kNoTensor) continue;
        Bytes bytes(static_cast<size_t>(span_bytes(one[id].desc)));
        KRAIT_CHECK(executor.read(*compiled, id, bytes));
        results.outputs.push_back(std::move(bytes));
    }
    if (state_) {
        results.state.resize(state_bytes_);
        KRAIT_CHECK(executor.queue().export_memory(*state_, 0, results.state));
    }
    return results;
}

Result<void> TestedNode::make_state(const Device& device, OpId op, const TensorDesc& pool) {
    if (state_) return {};
    const krait_use use{static_cast<uint32_t>(op), static_cast<uint32_t>(find_memory(op_spec(op).inputs))};
    KRAIT_TRY(Buffer buffer, device.create_memory(pool, {&use, 1}));
    state_ = std::make_shared<const Buffer>(std::move(buffer));
    state_bytes_ = static_cast<size_t>(span_bytes(pool));
    return {};
}

}  // namespace krait
