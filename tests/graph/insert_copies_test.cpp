// SPDX-License-Identifier: Apache-2.0
//
// insert_copies, together with the memory plans of its subgraphs: simulated segment by segment, every node and every copy finds
// the bytes that it wants where the plan says, and nothing crosses twice.
#include "graph/passes/insert_copies.hpp"

#include <map>
#include <set>

#include "tests/graph/random_graph.hpp"

namespace krait::graph {
namespace {

constexpr uint64_t kAlignment = 64;

// The owner of each range of a subgraph's arena, by tensor of the whole graph.
class Arena {
  public:
    Arena(const Subgraph& subgraph, const MemoryPlan& plan)
        : subgraph_index_(subgraph), plan_(plan), owner_(plan.peak_bytes / kAlignment, kNoTensor) {}

    void write(TensorId local, TensorId whole) {
        for (TensorId& owner : range(local)) owner = whole;
    }
    bool holds(TensorId local, TensorId whole) {
        for (const TensorId owner : range(local))
            if (owner != whole) return false;
        return true;
    }

  private:
    std::span<TensorId> range(TensorId local) {
        const auto bytes = static_cast<uint64_t>(span_bytes(subgraph_index_.graph[local].desc));
        const uint64_t begin = plan_.offset[static_cast<size_t>(local)] / kAlignment;
        return std::span(owner_).subspan(begin, (bytes + kAlignment - 1) / kAlignment);
    }
    const Subgraph& subgraph_index_;
    const MemoryPlan& plan_;
    std::vector<TensorId> owner_;
};

std::vector<TensorId> whole_ids(const Subgraph& subgraph) {
    std::vector<TensorId> whole(subgraph.graph.tensors.size(), kNoTensor);
    for (size_t id = 0; id < subgraph.local.size(); ++id)
        if (subgraph.local[id] != kNoTensor) whole[static_cast<size_t>(subgraph.local[id])] = static_cast<TensorId>(id);
    return whole;
}

void play(const Graph& graph, const PartitionedGraph& partitioned) {
    std::vector<MemoryPlan> plans;
    std::vector<Arena> arenas;
    std::vector<std::vector<TensorId>> whole;
    plans.reserve(partitioned.subgraphs.size());
    for (const Subgraph& subgraph : partitioned.subgraphs) {
        const auto valid = validate(subgraph.graph);
        ASSERT_TRUE(valid) << valid.error().message;
        plans.push_back(plan_memory(subgraph.graph, kAlignment, subgraph.pins));
        arenas.emplace_back(subgraph, plans.back());
        whole.push_back(whole_ids(subgraph));
        for (size_t id = 0; id < graph.tensors.size(); ++id)
            if (graph.tensors[id].role == TensorRole::input && subgraph.local[id] != kNoTensor)
                arenas.back().write(subgraph.local[id], static_cast<TensorId>(id));
    }
    std::set<std::pair<TensorId, uint32_t>> crossed;
    size_t n_nodes = 0;
    for (uint32_t p = 0; p < partitioned.segments.size(); ++p) {
        const Segment& segment = partitioned.segments[p];
        const Graph& local = partitioned.subgraphs[segment.subgraph].graph;
        Arena& arena = arenas[segment.subgraph];
        for (const Copy& copy : partitioned.copies) {
            if (copy.before != p) continue;
            EXPECT_EQ(copy.to, segment.subgraph);
            EXPECT_NE(copy.from, copy.to);
            EXPECT_LT(copy.after, p);
            EXPECT_TRUE(crossed.insert({copy.tensor, copy.to}).second) << graph[copy.tensor].name << " crosses twice";
            arena.write(copy.to_tensor, copy.tensor);
        }
        for (uint32_t n = segment.first_node; n < segment.first_node + segment.n_nodes; ++n) {
            const Node& node = local.nodes[n];
            for (const TensorId id : node.in)
                if (id != kNoTensor) {
                    const TensorId base = local.memory_of(id);
                    EXPECT_TRUE(arena.holds(base, whole[segment.subgraph][static_cast<size_t>(base)])) << node.name;
                }
            for (const TensorId id : node.out)
                if (id != kNoTensor) arena.write(id, whole[segment.subgraph][static_cast<size_t>(id)]);
            ++n_nodes;
        }
        for (const Copy& copy : partitioned.copies)
            if (copy.after == p) {
                EXPECT_TRUE(arena.holds(copy.from_tensor, copy.tensor)) << graph[copy.tensor].name << " has been overwritten";
            }
    }
    EXPECT_EQ(n_nodes, graph.nodes.size());
    for (size_t id = 0; id < graph.tensors.size(); ++id) {
        if (graph.tensors[id].role != TensorRole::output) continue;
        size_t n_found = 0;
        for (size_t s = 0; s < partitioned.subgraphs.size(); ++s) {
            const TensorId local = partitioned.subgraphs[s].local[id];
            if (local == kNoTensor || partitioned.subgraphs[s].graph[local].role != TensorRole::output) continue;
            ++n_found;
            EXPECT_TRUE(arenas[s].holds(local, static_cast<TensorId>(id))) << graph.tensors[id].name << " is gone at the end";
        }
        EXPECT_EQ(n_found, 1u);
    }
}

TEST(InsertCopies, RandomGraphsPlayThrough) {
    for (uint32_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        const Graph graph = test::random_graph(seed);
        const auto device = test::random_devices(graph, seed, 2 + static_cast<int32_t>(seed % 3));
        play(graph, insert_copies(graph, partition(graph, device)));
    }
}

TEST(InsertCopies, OneDeviceHasNothingToCopy) {
    const Graph graph = test::random_graph(7);
    const auto partitioned = insert_copies(graph, partition(graph, std::vector<int32_t>(graph.nodes.size(), 0)));
    ASSERT_EQ(partitioned.subgraphs.size(), 1u);
    EXPECT_TRUE(partitioned.copies.empty());
    for (const LifetimePin& stay : partitioned.subgraphs[0].pins) {
        EXPECT_EQ(partitioned.subgraphs[0].graph[stay.tensor].role, TensorRole::input);
        EXPECT_EQ(stay.last, static_cast<int64_t>(graph.nodes.size())) << "what the host wrote is there at the end";
    }
    play(graph, partitioned);
}

// Two views of one tensor, read by three nodes of another device: one copy of the whole.
TEST(InsertCopies, ViewsCrossTogether) {
    GraphBuilder b;
    const TensorId x = b.input("x", make_desc(DType::F32, {2, 16}));
    const TensorId y = b.op<ops::Scale>("y", {.x = x}).y;
    const TensorId left = b.op<ops::Scale>("left", {.x = b.columns("l", y, 0, 8)}).y;
    const TensorId right = b.op<ops::Scale>("right", {.x = b.columns("r", y, 8, 8)}).y;
    b.output(b.op<ops::Add>("sum", {.a = left, .b = right}).y);
    b.output(b.op<ops::Scale>("again", {.x = y}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph);
    const auto partitioned = insert_copies(*graph, partition(*graph, std::vector<int32_t>{0, 1, 1, 1, 1}));
    ASSERT_EQ(partitioned.copies.size(), 1u);
    EXPECT_EQ(partitioned.copies[0].tensor, y);
    EXPECT_EQ(partitioned.copies[0].bytes, 2u * 16 * 4);
    play(*graph, partitioned);
}

}  // namespace
}  // namespace krait::graph
