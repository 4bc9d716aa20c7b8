// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/partition.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace krait::graph {
namespace {

std::vector<DeviceSegment> cut(std::span<const uint32_t> order, std::span<const int32_t> device) {
    std::vector<DeviceSegment> segments;
    for (const uint32_t node : order) {
        if (segments.empty() || segments.back().device != device[node]) segments.push_back({device[node], {}});
        segments.back().nodes.push_back(node);
    }
    return segments;
}

// For each node those that must come later, and how many must come before.
struct Dependencies {
    std::vector<std::vector<uint32_t>> later;
    std::vector<uint32_t> n_before;

    explicit Dependencies(const Graph& graph) : later(graph.nodes.size()), n_before(graph.nodes.size(), 0) {
        constexpr auto kNobody = UINT32_MAX;
        std::vector<uint32_t> writer(graph.tensors.size(), kNobody);  // of a state: the node that had it last
        for (uint32_t n = 0; n < graph.nodes.size(); ++n) {
            for (const TensorId id : graph.nodes[n].in) {
                if (id == kNoTensor) continue;
                uint32_t& before = writer[static_cast<size_t>(graph.memory_of(id))];
                if (before != kNobody && before != n) {
                    later[before].push_back(n);
                    ++n_before[n];
                }
                if (graph[id].role == TensorRole::memory) before = n;
            }
            for (const TensorId id : graph.nodes[n].out)
                if (id != kNoTensor) writer[static_cast<size_t>(id)] = n;
        }
    }
};

std::vector<uint32_t> gathered_order(const Graph& graph, std::span<const int32_t> device) {
    Dependencies dependencies(graph);
    const auto n_device = static_cast<size_t>(*std::max_element(device.begin(), device.end())) + 1;
    std::vector<std::set<uint32_t>> ready(n_device);
    for (uint32_t n = 0; n < graph.nodes.size(); ++n)
        if (dependencies.n_before[n] == 0) ready[static_cast<size_t>(device[n])].insert(n);
    std::vector<uint32_t> order;
    size_t at = static_cast<size_t>(device[0]);
    while (order.size() < graph.nodes.size()) {
        if (ready[at].empty())  // the device of the earliest node that can run
            at = static_cast<size_t>(std::min_element(ready.begin(), ready.end(),
                                                      [](const auto& a, const auto& b) {
                                                          return !a.empty() && (b.empty() || *a.begin() < *b.begin());
                                                      }) -
                                     ready.begin());
        const uint32_t node = *ready[at].begin();
        ready[at].erase(ready[at].begin());
        order.push_back(node);
        for (const uint32_t n : dependencies.later[node])
            if (--dependencies.n_before[n] == 0) ready[static_cast<size_t>(device[n])].insert(n);
    }
    return order;
}

}  // namespace

std::vector<DeviceSegment> partition(const Graph& graph, std::span<const int32_t> device) {
    std::vector<uint32_t> order(graph.nodes.size());
    std::iota(order.begin(), order.end(), 0u);
    std::vector<DeviceSegment> segments = cut(order, device);
    if (segments.size() <= 2) return segments;  // two devices are at least two segments
    std::vector<DeviceSegment> gathered = cut(gathered_order(graph, device), device);
    return gathered.size() < segments.size() ? gathered : segments;
}

std::vector<DeviceSegment> segment_for_each_node(std::span<const DeviceSegment> segments) {
    std::vector<DeviceSegment> single;
    for (const DeviceSegment& segment : segments)
        for (const uint32_t node : segment.nodes) single.push_back({segment.device, {node}});
    return single;
}

}  // namespace krait::graph
