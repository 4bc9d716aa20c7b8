// SPDX-License-Identifier: Apache-2.0
#include "models/debug/tested_node.hpp"

#include <algorithm>
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
                KRAIT_CHECK(make_memory(device, node.op, copy));
                copy.storage = memory_.storage;
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

Result<TestedNode::Results> TestedNode::run(const ExpectedRun& expected, size_t index, std::span<const std::byte> before) {
    const Node& node = expected.graph.nodes[index];
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model_.devices()[static_cast<size_t>(device_)]));
    KRAIT_TRY(const Alone alone, isolate(expected, node));
    const Graph& one = alone.graph;
    if (memory_.storage && !before.empty()) KRAIT_CHECK(write_units(executor.queue(), before));
    KRAIT_TRY(graph::Compiled * compiled, executor.prepare("node", [&]() -> Result<Graph> { return one; }));
    KRAIT_CHECK(executor.run(*compiled, alone.inputs));
    Results results;
    for (const TensorId id : one.nodes[0].out) {
        if (id == kNoTensor) continue;
        Bytes bytes(static_cast<size_t>(span_bytes(one[id].desc)));
        KRAIT_CHECK(executor.read(*compiled, id, bytes));
        results.outputs.push_back(std::move(bytes));
    }
    if (memory_.storage) {
        KRAIT_TRY(results.state, read_units(executor.queue(), memory_));
        results.state.resize(expected.states[index].size());
    }
    return results;
}

Result<void> TestedNode::make_memory(const Device& device, OpId op, const Tensor& like) {
    if (memory_.storage) return {};
    const krait_use use{static_cast<uint32_t>(op), static_cast<uint32_t>(find_memory(op_spec(op).inputs))};
    KRAIT_TRY(Buffer buffer, device.create_memory(like.desc, {&use, 1}));
    memory_ = like;
    memory_.storage = std::make_shared<const Buffer>(std::move(buffer));
    return {};
}

// Rows behind the bytes become 0.
Result<void> TestedNode::write_units(Queue& queue, std::span<const std::byte> bytes) const {
    const size_t unit_bytes = static_cast<size_t>(span_bytes(memory_.desc) / memory_.desc.extent[0]);
    for (size_t first = 0; first < bytes.size(); first += unit_bytes) {
        const auto known = bytes.subspan(first, std::min(unit_bytes, bytes.size() - first));
        Bytes unit(known.begin(), known.end());
        unit.resize(unit_bytes);
        KRAIT_CHECK(queue.import_memory(*memory_.storage, static_cast<int64_t>(first / unit_bytes), unit));
    }
    return {};
}

}  // namespace krait
