// SPDX-License-Identifier: Apache-2.0
#include "graph/node_work.hpp"

#include <algorithm>
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

// Rows of y of mul_mat_experts, each by a matrix of its own: ids that are none count too.
uint64_t rows_of_experts(const Graph& graph, const Node& node) {
    const auto in = ops::as_named<ops::MulMatExperts::template In>(node.in);
    return static_cast<uint64_t>(element_count(graph[in.ids].desc));
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
        if (node.op == OpId::mul_mat_experts && tensor.role == TensorRole::constant)
            bytes = std::min(bytes, rows_of_experts(graph, node) * static_cast<uint64_t>(inner_bytes(tensor.desc)));
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

// Each sequence reads, once, what some row of it sees.
void add_attention(NodeWork& work, const Graph& graph, const Node& node, std::span<const InputBytes> inputs) {
    const auto in = ops::as_named<ops::Attention::In>(node.in);
    ops::AttentionParams params;
    std::memcpy(&params, node.params.data(), sizeof params);
    const TensorDesc &q = graph[in.q].desc, &cache = graph[in.cache].desc;
    const std::vector<int32_t> positions = indices(graph, in.positions, inputs), starts = indices(graph, in.seq_start, inputs);
    const int64_t n_seq = graph[in.page_table].desc.extent[0], n_head = q.extent[1], k_dim = q.extent[2];
    int64_t n_rows = 0, n_pairs = 0;  // places that are read; rows of q and places that they see
    if (positions.empty() || static_cast<int64_t>(starts.size()) != n_seq + 1) {
        const int64_t longest = graph[in.page_table].desc.extent[1] * cache.extent[1];
        n_rows = n_seq * longest;
        n_pairs = q.extent[0] * longest;
    } else {
        for (size_t b = 0; b + 1 < starts.size(); ++b) {
            int64_t first = INT64_MAX, last = -1;
            for (auto t = starts[b]; t < starts[b + 1]; ++t) {
                const int64_t position = positions[static_cast<size_t>(t)];
                if (position < 0) continue;
                first = std::min(first, params.first_place(position));
                last = std::max(last, position);
                n_pairs += position + 1 - params.first_place(position);
            }
            if (last >= 0) n_rows += last + 1 - first;
        }
    }
    const int64_t keys = params.n_kv_head * k_dim, values = int64_t{params.n_kv_head} * params.v_dim;
    const int64_t shared = std::clamp<int64_t>(keys - params.v_column, 0, values);  // values that are part of the keys
    work.states_read += static_cast<uint64_t>(n_rows * row_bytes(dtype_of(cache), keys + values - shared));
    work.operations += 2 * static_cast<uint64_t>(n_pairs * n_head * (k_dim + params.v_dim));
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
    if (node.op == OpId::attention) add_attention(work, graph, node, inputs);
    if (node.op == OpId::mul_mat_experts) {
        const TensorDesc& w = graph[ops::as_named<ops::MulMatExperts::template In>(node.in).w].desc;
        work.operations = 2 * rows_of_experts(graph, node) * static_cast<uint64_t>(w.extent[1] * w.extent[2]);
    }
    return work;
}

}  // namespace krait::graph
