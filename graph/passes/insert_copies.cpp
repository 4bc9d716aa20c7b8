// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/insert_copies.hpp"

#include <algorithm>

namespace krait::graph {
namespace {

class Partitioner {
  public:
    explicit Partitioner(const Graph& graph) : graph_(graph), writer_(graph.tensors.size()) {}

    void add(const DeviceSegment& segment) {
        segment_index_ = static_cast<uint32_t>(partitioned_.segments.size());
        subgraph_index_ = subgraph_of(segment.device);
        Subgraph& subgraph = this->subgraph();
        partitioned_.segments.push_back({subgraph_index_, static_cast<uint32_t>(subgraph.graph.nodes.size()), 0});
        for (const uint32_t n : segment.nodes) add_node(graph_.nodes[n]);
    }

    PartitionedGraph finish() && {
        // A tensor that another device reads stays until the end of the segment that wrote it: it is copied after that.
        for (const Copy& copy : partitioned_.copies) {
            const Segment& segment = partitioned_.segments[copy.after];
            partitioned_.subgraphs[copy.from].pins.push_back(
                {copy.from_tensor, LifetimePin::kUnchanged, static_cast<int64_t>(segment.first_node) + segment.n_nodes - 1});
        }
        // Values that the host writes stay for the next run, which need not be given them again.
        for (Subgraph& subgraph : partitioned_.subgraphs)
            for (size_t i = 0; i < graph_.tensors.size(); ++i)
                if (graph_.tensors[i].role == TensorRole::input && subgraph.local[i] != kNoTensor)
                    subgraph.pins.push_back(
                        {subgraph.local[i], LifetimePin::kUnchanged, static_cast<int64_t>(subgraph.graph.nodes.size())});
        return std::move(partitioned_);
    }

  private:
    struct Writer {
        uint32_t subgraph = 0, segment = 0;
    };

    Subgraph& subgraph() { return partitioned_.subgraphs[subgraph_index_]; }

    uint32_t subgraph_of(int32_t device) {
        for (uint32_t i = 0; i < partitioned_.subgraphs.size(); ++i)
            if (partitioned_.subgraphs[i].device == device) return i;
        partitioned_.subgraphs.push_back({device, {}, std::vector<TensorId>(graph_.tensors.size(), kNoTensor), {}});
        partitioned_.subgraphs.back().graph.dim_max = graph_.dim_max;
        return static_cast<uint32_t>(partitioned_.subgraphs.size() - 1);
    }

    void add_node(const Node& node) {
        Node local = node;
        for (TensorId& id : local.in)
            if (id != kNoTensor) id = read(id);
        for (TensorId& id : local.out) {
            if (id == kNoTensor) continue;
            writer_[static_cast<size_t>(id)] = {subgraph_index_, segment_index_};
            id = add_tensor(id, graph_[id]);
        }
        subgraph().graph.nodes.push_back(std::move(local));
        ++partitioned_.segments[segment_index_].n_nodes;
    }

    TensorId add_tensor(TensorId id, Tensor tensor) {
        Subgraph& subgraph = this->subgraph();
        subgraph.graph.tensors.push_back(std::move(tensor));
        return subgraph.local[static_cast<size_t>(id)] = static_cast<TensorId>(subgraph.graph.tensors.size() - 1);
    }

    // The tensor in the current subgraph, with a copy where another subgraph has it.
    TensorId read(TensorId id) {
        if (const TensorId known = subgraph().local[static_cast<size_t>(id)]; known != kNoTensor) return known;
        Tensor tensor = graph_[id];
        if (tensor.role == TensorRole::view) {
            tensor.base = read(tensor.base);
            return add_tensor(id, std::move(tensor));
        }
        if (tensor.role != TensorRole::value && tensor.role != TensorRole::output) return add_tensor(id, std::move(tensor));
        const Writer home = writer_[static_cast<size_t>(id)];  // a valid graph writes before it reads
        tensor.role = TensorRole::input;
        const auto bytes = static_cast<uint64_t>(span_bytes(tensor.desc));
        const TensorId local = add_tensor(id, std::move(tensor));
        partitioned_.copies.push_back({id, home.subgraph, subgraph_index_,
                                       partitioned_.subgraphs[home.subgraph].local[static_cast<size_t>(id)], local,
                                       home.segment, segment_index_, bytes});
        subgraph().pins.push_back(
            {local, static_cast<int64_t>(partitioned_.segments[segment_index_].first_node), LifetimePin::kUnchanged});
        return local;
    }

    const Graph& graph_;
    std::vector<Writer> writer_;  // of values: where they are written
    PartitionedGraph partitioned_;
    uint32_t subgraph_index_ = 0, segment_index_ = 0;  // that are being filled
};

}  // namespace

PartitionedGraph insert_copies(const Graph& graph, std::span<const DeviceSegment> segments) {
    Partitioner partitioner(graph);
    for (const DeviceSegment& segment : segments) partitioner.add(segment);
    return std::move(partitioner).finish();
}

}  // namespace krait::graph
