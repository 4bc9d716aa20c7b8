// SPDX-License-Identifier: Apache-2.0
//
// The graph: what one run computes, as plain data. Nodes stand in an order in which they may run. Tensors are named by
// index; params are stored by value. Build it with GraphBuilder, check it with validate(), read it with dump.hpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ops/op_id.hpp"
#include "core/ops/op_spec.hpp"
#include "core/runtime/device.hpp"

namespace krait::graph {

using TensorId = int32_t;
inline constexpr TensorId kNoTensor = -1;

enum class TensorRole : uint8_t {
    input,     // written by the host before each run
    value,     // written by a node, read by nodes, dead after its last reader
    output,    // written by a node, kept until the host has read it
    constant,  // a weight, in storage
    memory,    // what sequences remember, slots or pages, in storage; updated in place
    view       // other extents, strides and offset over the memory of `base`
};

struct Tensor {
    std::string name;
    TensorDesc desc{};
    TensorRole role = TensorRole::value;
    TensorId base = kNoTensor;              // views: never a view itself
    uint64_t offset = 0;                    // views: bytes from the start of base
    std::shared_ptr<const Buffer> storage;  // constants and memories; may be null while a graph is only inspected
    uint32_t dim = 0;                       // 0 = fixed; else extent[0] goes with Graph::dim_max[dim - 1]
    int32_t source = -1;  // constants and memories: an index of whoever gives them storage; nothing here reads it
};

// Node::layer counts from 0; what stands before and behind the layers:
inline constexpr int32_t kEmbedding = -1, kHead = INT32_MAX;

struct Node {
    OpId op{};
    std::string name;
    std::array<TensorId, KRAIT_MAX_INPUTS> in;  // in the order of the contract; kNoTensor = absent
    std::array<TensorId, KRAIT_MAX_OUTPUTS> out;
    std::array<std::byte, kMaxParamsBytes> params{};  // the first op_spec(op).params_size bytes count
    int32_t layer = kEmbedding;                       // which part of the model it belongs to; only placement asks
};

// Extents are the largest ones: a run may say that a dynamic dimension (rows, sequences) is smaller, and devices then need not
// compute what lies beyond. backend_abi.h has the rules (krait_graph).
struct Graph {
    std::vector<Tensor> tensors;
    std::vector<Node> nodes;
    std::vector<int64_t> dim_max;  // by dynamic dimension
    // Inputs and outputs that whoever built the graph finds again in a compiled one, in an order of its own; nothing here reads
    // them.
    std::vector<TensorId> handles;

    const Tensor& operator[](TensorId id) const { return tensors[static_cast<size_t>(id)]; }
    Tensor& operator[](TensorId id) { return tensors[static_cast<size_t>(id)]; }
    // The tensor whose memory `id` uses: itself, or its base.
    TensorId memory_of(TensorId id) const { return (*this)[id].role == TensorRole::view ? (*this)[id].base : id; }
};

// Types, shapes, roles, views within their base, every value written once before it is read, params sizes. An error names the
// node and the operand. GraphBuilder's graphs pass by construction; graphs from elsewhere are checked before they are compiled.
Result<void> validate(const Graph& graph);

// The inputs of a node as infer() wants them.
std::array<const TensorDesc*, KRAIT_MAX_INPUTS> input_descs(const Graph& graph, const Node& node);

}  // namespace krait::graph
