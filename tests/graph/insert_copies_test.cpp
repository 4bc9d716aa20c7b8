// SPDX-License-Identifier: Apache-2.0
//
// insert_copies, together with the memory plans of its shares: played through part by part, every node and every copy finds the
// bytes that it wants where the plan says, and nothing crosses twice.
#include "graph/passes/insert_copies.hpp"

#include <map>
#include <set>

#include "tests/graph/random_graph.hpp"

namespace krait::graph {
namespace {

constexpr uint64_t kAlignment = 64;

// Who owns each stretch of a share's arena, by tensor of the whole graph.
class Arena {
  public:
    Arena(const Share& share, const MemoryPlan& plan)
        : share_(share), plan_(plan), owner_(plan.peak_bytes / kAlignment, kNoTensor) {}

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
        const auto bytes = static_cast<uint64_t>(span_bytes(share_.graph[local].desc));
        const uint64_t begin = plan_.offset[static_cast<size_t>(local)] / kAlignment;
        return std::span(owner_).subspan(begin, (bytes + kAlignment - 1) / kAlignment);
    }
    const Share& share_;
    const MemoryPlan& plan_;
    std::vector<TensorId> owner_;
};

std::vector<TensorId> whole_ids(const Share& share) {
    std::vector<TensorId> whole(share.graph.tensors.size(), kNoTensor);
    for (size_t id = 0; id < share.local.size(); ++id)
        if (share.local[id] != kNoTensor) whole[static_cast<size_t>(share.local[id])] = static_cast<TensorId>(id);
    return whole;
}

void play(const Graph& graph, const DividedGraph& divided) {
    std::vector<MemoryPlan> plans;
    std::vector<Arena> arenas;
    std::vector<std::vector<TensorId>> whole;
    plans.reserve(divided.shares.size());
    for (const Share& share : divided.shares) {
        const auto valid = validate(share.graph);
        ASSERT_TRUE(valid) << valid.error().message;
        plans.push_back(plan_memory(share.graph, kAlignment, share.stays));
        arenas.emplace_back(share, plans.back());
        whole.push_back(whole_ids(share));
        for (size_t id = 0; id < graph.tensors.size(); ++id)
            if (graph.tensors[id].role == TensorRole::input && share.local[id] != kNoTensor)
                arenas.back().write(share.local[id], static_cast<TensorId>(id));
    }
    std::set<std::pair<TensorId, uint32_t>> crossed;
    size_t n_nodes = 0;
    for (uint32_t p = 0; p < divided.parts.size(); ++p) {
        const SharePart& part = divided.parts[p];
        const Graph& local = divided.shares[part.share].graph;
        Arena& arena = arenas[part.share];
        for (const Copy& copy : divided.copies) {
            if (copy.before != p) continue;
            EXPECT_EQ(copy.to, part.share);
            EXPECT_NE(copy.from, copy.to);
            EXPECT_LT(copy.after, p);
            EXPECT_TRUE(crossed.insert({copy.tensor, copy.to}).second) << graph[copy.tensor].name << " crosses twice";
            arena.write(copy.to_tensor, copy.tensor);
        }
        for (uint32_t n = part.first_node; n < part.first_node + part.n_nodes; ++n) {
            const Node& node = local.nodes[n];
            for (const TensorId id : node.in)
                if (id != kNoTensor) {
                    const TensorId base = local.memory_of(id);
                    EXPECT_TRUE(arena.holds(base, whole[part.share][static_cast<size_t>(base)])) << node.name;
                }
            for (const TensorId id : node.out)
                if (id != kNoTensor) arena.write(id, whole[part.share][static_cast<size_t>(id)]);
            ++n_nodes;
        }
        for (const Copy& copy : divided.copies)
            if (copy.after == p) {
                EXPECT_TRUE(arena.holds(copy.from_tensor, copy.tensor)) << graph[copy.tensor].name << " has been overwritten";
            }
    }
    EXPECT_EQ(n_nodes, graph.nodes.size());
    for (size_t id = 0; id < graph.tensors.size(); ++id) {
        if (graph.tensors[id].role != TensorRole::output) continue;
        size_t n_found = 0;
        for (size_t s = 0; s < divided.shares.size(); ++s) {
            const TensorId local = divided.shares[s].local[id];
            if (local == kNoTensor || divided.shares[s].graph[local].role != TensorRole::output) continue;
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
    const auto divided = insert_copies(graph, partition(graph, std::vector<int32_t>(graph.nodes.size(), 0)));
    ASSERT_EQ(divided.shares.size(), 1u);
    EXPECT_TRUE(divided.copies.empty());
    for (const Stay& stay : divided.shares[0].stays) {
        EXPECT_EQ(divided.shares[0].graph[stay.tensor].role, TensorRole::input);
        EXPECT_EQ(stay.last, static_cast<int64_t>(graph.nodes.size())) << "what the host wrote is there at the end";
    }
    play(graph, divided);
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
    const auto divided = insert_copies(*graph, partition(*graph, std::vector<int32_t>{0, 1, 1, 1, 1}));
    ASSERT_EQ(divided.copies.size(), 1u);
    EXPECT_EQ(divided.copies[0].tensor, y);
    EXPECT_EQ(divided.copies[0].bytes, 2u * 16 * 4);
    play(*graph, divided);
}

}  // namespace
}  // namespace krait::graph
