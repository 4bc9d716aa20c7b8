// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/plan_memory.hpp"

#include <algorithm>

namespace krait::graph {
namespace {

struct Life {
    size_t tensor = 0;
    uint64_t bytes = 0;
    int64_t first = 0;  // node that writes it; -1 = before the first node
    int64_t last = 0;   // last node that reads it; n_nodes = after the last node
};

std::vector<Life> lives_of(const Graph& graph, uint64_t alignment, std::span<const LifetimePin> pins) {
    const auto n_nodes = static_cast<int64_t>(graph.nodes.size());
    std::vector<Life> by_tensor(graph.tensors.size());
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        const Tensor& tensor = graph.tensors[i];
        const bool placed =
            tensor.role == TensorRole::input || tensor.role == TensorRole::value || tensor.role == TensorRole::output;
        const auto bytes = placed ? static_cast<uint64_t>(span_bytes(tensor.desc)) : 0;
        // An empty tensor still gets an address of its own: a range of no bytes is legal for every backend.
        const uint64_t rounded = placed ? std::max((bytes + alignment - 1) & ~(alignment - 1), alignment) : 0;
        by_tensor[i] = {i, rounded, -1, tensor.role == TensorRole::output ? n_nodes : -1};
    }
    for (int64_t n = 0; n < n_nodes; ++n) {
        const Node& node = graph.nodes[static_cast<size_t>(n)];
        for (const TensorId id : node.out)
            if (id != kNoTensor) {
                Life& life = by_tensor[static_cast<size_t>(id)];
                life.first = n;
                life.last = std::max(life.last, n);
            }
        for (const TensorId id : node.in)
            if (id != kNoTensor) {
                Life& life = by_tensor[static_cast<size_t>(graph.memory_of(id))];
                life.last = std::max(life.last, n);
            }
    }
    for (const LifetimePin& pin : pins) {
        Life& life = by_tensor[static_cast<size_t>(pin.tensor)];
        if (pin.first != LifetimePin::kUnchanged) life.first = pin.first;
        life.last = std::max(life.last, pin.last);
    }
    std::erase_if(by_tensor, [](const Life& life) { return life.bytes == 0; });
    return by_tensor;
}

int64_t length(const Life& life) { return life.last - life.first + 1; }

bool alive_together(const Life& a, const Life& b) { return a.first <= b.last && b.first <= a.last; }

// Places the lives in their order. The arena's size; offsets go to plan.offset, by tensor.
uint64_t place(std::span<const Life> lives, std::vector<uint64_t>& offset) {
    struct Range {
        uint64_t begin, end;
    };
    std::vector<Range> taken;
    uint64_t peak = 0;
    for (size_t i = 0; i < lives.size(); ++i) {
        taken.clear();
        for (size_t j = 0; j < i; ++j)
            if (alive_together(lives[i], lives[j])) {
                const uint64_t begin = offset[lives[j].tensor];
                taken.push_back({begin, begin + lives[j].bytes});
            }
        std::sort(taken.begin(), taken.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
        uint64_t best = MemoryPlan::kUnplaced, best_gap = UINT64_MAX, end = 0;
        for (const Range& range : taken) {
            if (range.begin > end && range.begin - end >= lives[i].bytes && range.begin - end < best_gap) {
                best = end;
                best_gap = range.begin - end;
            }
            end = std::max(end, range.end);
        }
        if (best == MemoryPlan::kUnplaced) best = end;
        offset[lives[i].tensor] = best;
        peak = std::max(peak, best + lives[i].bytes);
    }
    return peak;
}

}  // namespace

MemoryPlan plan_memory(const Graph& graph, uint64_t alignment, std::span<const LifetimePin> pins) {
    std::vector<Life> lives = lives_of(graph, alignment, pins);
    MemoryPlan plan;
    plan.offset.assign(graph.tensors.size(), MemoryPlan::kUnplaced);
    std::vector<uint64_t> live(graph.nodes.size() + 2, 0);
    for (const Life& life : lives) {
        plan.naive_bytes += life.bytes;
        for (int64_t n = life.first; n <= life.last; ++n) live[static_cast<size_t>(n + 1)] += life.bytes;
    }
    plan.largest_live_bytes = *std::max_element(live.begin(), live.end());

    using Order = bool (*)(const Life&, const Life&);
    constexpr Order kOrders[] = {
        [](const Life& a, const Life& b) { return a.bytes > b.bytes; },
        [](const Life& a, const Life& b) {
            return a.bytes * static_cast<uint64_t>(length(a)) > b.bytes * static_cast<uint64_t>(length(b));
        },
        [](const Life& a, const Life& b) { return length(a) > length(b); },
    };
    plan.peak_bytes = UINT64_MAX;
    std::vector<uint64_t> offset = plan.offset;
    for (const Order order : kOrders) {
        if (plan.peak_bytes == plan.largest_live_bytes) break;  // no order can do better
        std::stable_sort(lives.begin(), lives.end(), order);
        const uint64_t peak = place(lives, offset);
        if (peak >= plan.peak_bytes) continue;
        plan.peak_bytes = peak;
        plan.offset = offset;
    }
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        const Tensor& tensor = graph.tensors[i];
        if (tensor.role == TensorRole::view) plan.offset[i] = plan.offset[static_cast<size_t>(tensor.base)] + tensor.offset;
    }
    return plan;
}

}  // namespace krait::graph
