// SPDX-License-Identifier: Apache-2.0
#include "graph/node_work.hpp"

#include <cstring>

#include "core/ops/op_list.hpp"

namespace krait::graph {
namespace {

uint64_t bytes_of(const TensorDesc& desc) {
    return static_cast<uint64_t>(row_count(desc) * row_bytes(dtype_of(desc), last_extent(desc)));
}

// Every row of x is multiplied with all of w.
template <class Op>
uint64_t operations_of(const Graph& graph, const Node& node) {
    const auto in = ops::as_named<Op::template In>(node.in);
    return 2 * static_cast<uint64_t>(graph[in.x].desc.extent[0]) * static_cast<uint64_t>(element_count(graph[in.w].desc));
}

// The values that the host wrote into an index operand; nothing where it did not write all of it.
std::vector<int32_t> indices(const Graph& graph, TensorId id, std::span<const InputBytes> inputs) {
    const auto size = static_cast<size_t>(bytes_of(graph[id].desc));
    for (const InputBytes& input : inputs) {
        if (input.tensor != id || input.bytes.size() != size) continue;
        std::vector<int32_t> values(size / sizeof(int32_t));
        if (size > 0) std::memcpy(values.data(), input.bytes.data(), size);
        return values;
    }
    return {};
}

// How many states an operand with slots stands for, or how many rows one of pages: one for each `step` of its numbers, of which
// the first says whether there is one.
uint64_t count_states(const Graph& graph, TensorId id, size_t step, std::span<const InputBytes> inputs) {
    if (id == kNoTensor) return 0;
    const std::vector<int32_t> values = indices(graph, id, inputs);
    if (values.empty()) return static_cast<uint64_t>(element_count(graph[id].desc)) / step;
    uint64_t n = 0;
    for (size_t i = 0; i < values.size(); i += step) n += values[i] >= 0;
    return n;
}

TensorId given(const Node& node, int operand) { return operand < 0 ? kNoTensor : node.in[static_cast<size_t>(operand)]; }

void add_inputs(NodeWork& work, const Graph& graph, const Node& node) {
    const std::span<const OperandSpec> inputs = op_spec(node.op).inputs;
    const int rows = find_operand(inputs, IndexMeaning::rows);
    const int table = rows < 0 ? -1 : find_operand(inputs, inputs[static_cast<size_t>(rows)].of);
    for (size_t i = 0; i < inputs.size(); ++i) {
        const TensorId id = node.in[i];
        if (id == kNoTensor || graph[id].role == TensorRole::memory) continue;
        const Tensor& tensor = graph[id];
        uint64_t bytes = bytes_of(tensor.desc);
        if (static_cast<int>(i) == table)  // the rows that are looked up
            bytes = static_cast<uint64_t>(element_count(graph[given(node, rows)].desc)) *
                    static_cast<uint64_t>(row_bytes(dtype_of(tensor.desc), last_extent(tensor.desc)));
        (tensor.role == TensorRole::constant ? work.weight_bytes : work.values_read) += bytes;
    }
}

void add_states(NodeWork& work, const Graph& graph, const Node& node, std::span<const InputBytes> inputs) {
    const std::span<const OperandSpec> specs = op_spec(node.op).inputs;
    const TensorId memory = given(node, find_memory(specs));
    if (memory == kNoTensor) return;
    const auto count = [&](IndexMeaning meaning, size_t step) {
        return count_states(graph, given(node, find_operand(specs, meaning)), step, inputs);
    };
    if (const uint64_t n_rows = count(IndexMeaning::rows_written, 1); n_rows > 0)
        work.states_written += n_rows * static_cast<uint64_t>(inner_bytes(graph[memory].desc) / graph[memory].desc.extent[1]);
    if (find_state(specs) < 0) return;
    TensorDesc slot = graph[memory].desc;
    slot.extent[0] = 1;
    work.states_read += count(IndexMeaning::slots_read, 1) * bytes_of(slot);
    work.states_written += (count(IndexMeaning::slots_written, 1) + count(IndexMeaning::snapshots, 2)) * bytes_of(slot);
}

}  // namespace

NodeWork node_work(const Graph& graph, const Node& node, std::span<const InputBytes> inputs) {
    NodeWork work;
    add_inputs(work, graph, node);
    add_states(work, graph, node, inputs);
    for (const TensorId id : node.out)
        if (id != kNoTensor) work.values_written += bytes_of(graph[id].desc);
    if (node.op == OpId::ssm_conv) work.operations = operations_of<ops::SsmConv>(graph, node);
    if (node.op == OpId::mul_mat) work.operations = operations_of<ops::MulMat>(graph, node);
    return work;
}

}  // namespace krait::graph
