// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/insert_copies.hpp"

#include <algorithm>

namespace krait::graph {
namespace {

class Divider {
  public:
    explicit Divider(const Graph& graph) : graph_(graph), home_(graph.tensors.size()) {}

    void add(const Part& part) {
        part_ = static_cast<uint32_t>(divided_.parts.size());
        share_ = share_of(part.device);
        Share& share = this->share();
        divided_.parts.push_back({share_, static_cast<uint32_t>(share.graph.nodes.size()), 0});
        for (const uint32_t n : part.nodes) add_node(graph_.nodes[n]);
    }

    DividedGraph finish() && {
        // What leaves stays until the end of the part that wrote it: it is read behind that.
        for (const Copy& copy : divided_.copies) {
            const SharePart& part = divided_.parts[copy.after];
            divided_.shares[copy.from].stays.push_back(
                {copy.from_tensor, Stay::kAsItIs, static_cast<int64_t>(part.first_node) + part.n_nodes - 1});
        }
        // What the host writes stays for the next run, which need not be given it again.
        for (Share& share : divided_.shares)
            for (size_t i = 0; i < graph_.tensors.size(); ++i)
                if (graph_.tensors[i].role == TensorRole::input && share.local[i] != kNoTensor)
                    share.stays.push_back({share.local[i], Stay::kAsItIs, static_cast<int64_t>(share.graph.nodes.size())});
        return std::move(divided_);
    }

  private:
    struct Home {
        uint32_t share = 0, part = 0;
    };

    Share& share() { return divided_.shares[share_]; }

    uint32_t share_of(int32_t device) {
        for (uint32_t i = 0; i < divided_.shares.size(); ++i)
            if (divided_.shares[i].device == device) return i;
        divided_.shares.push_back({device, {}, std::vector<TensorId>(graph_.tensors.size(), kNoTensor), {}});
        return static_cast<uint32_t>(divided_.shares.size() - 1);
    }

    void add_node(const Node& node) {
        Node local = node;
        for (TensorId& id : local.in)
            if (id != kNoTensor) id = read(id);
        for (TensorId& id : local.out) {
            if (id == kNoTensor) continue;
            home_[static_cast<size_t>(id)] = {share_, part_};
            id = add_tensor(id, graph_[id]);
        }
        share().graph.nodes.push_back(std::move(local));
        ++divided_.parts[part_].n_nodes;
    }

    TensorId add_tensor(TensorId id, Tensor tensor) {
        Share& share = this->share();
        share.graph.tensors.push_back(std::move(tensor));
        return share.local[static_cast<size_t>(id)] = static_cast<TensorId>(share.graph.tensors.size() - 1);
    }

    // The tensor in the share at hand; with a copy where another one has it.
    TensorId read(TensorId id) {
        if (const TensorId known = share().local[static_cast<size_t>(id)]; known != kNoTensor) return known;
        Tensor tensor = graph_[id];
        if (tensor.role == TensorRole::view) {
            tensor.base = read(tensor.base);
            return add_tensor(id, std::move(tensor));
        }
        if (tensor.role != TensorRole::value && tensor.role != TensorRole::output) return add_tensor(id, std::move(tensor));
        const Home home = home_[static_cast<size_t>(id)];  // a valid graph writes before it reads
        tensor.role = TensorRole::input;
        const auto bytes = static_cast<uint64_t>(span_bytes(tensor.desc));
        const TensorId local = add_tensor(id, std::move(tensor));
        divided_.copies.push_back({id, home.share, share_, divided_.shares[home.share].local[static_cast<size_t>(id)], local,
                                   home.part, part_, bytes});
        share().stays.push_back({local, static_cast<int64_t>(divided_.parts[part_].first_node), Stay::kAsItIs});
        return local;
    }

    const Graph& graph_;
    std::vector<Home> home_;  // of values: where they are written
    DividedGraph divided_;
    uint32_t share_ = 0, part_ = 0;  // that are being filled
};

}  // namespace

DividedGraph insert_copies(const Graph& graph, std::span<const Part> parts) {
    Divider divider(graph);
    for (const Part& part : parts) divider.add(part);
    return std::move(divider).finish();
}

}  // namespace krait::graph
