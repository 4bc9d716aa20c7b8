// SPDX-License-Identifier: Apache-2.0
//
// partition: every node once, never before what it reads, in few segments.
#include "graph/passes/partition.hpp"

#include <algorithm>
#include <set>

#include "tests/graph/random_graph.hpp"

namespace krait::graph {
namespace {

size_t changes(std::span<const int32_t> device) {
    size_t n = 1;
    for (size_t i = 1; i < device.size(); ++i) n += device[i] != device[i - 1];
    return n;
}

void expect_sound(const Graph& graph, std::span<const int32_t> device, std::span<const DeviceSegment> segments) {
    std::vector<bool> written(graph.tensors.size(), false);
    for (size_t i = 0; i < graph.tensors.size(); ++i)
        written[i] = graph.tensors[i].role != TensorRole::value && graph.tensors[i].role != TensorRole::output;
    std::set<uint32_t> seen;
    for (size_t p = 0; p < segments.size(); ++p) {
        EXPECT_FALSE(segments[p].nodes.empty());
        if (p > 0) {
            EXPECT_NE(segments[p].device, segments[p - 1].device) << "neighbours on one device are one segment";
        }
        for (const uint32_t n : segments[p].nodes) {
            EXPECT_EQ(device[n], segments[p].device);
            EXPECT_TRUE(seen.insert(n).second);
            for (const TensorId id : graph.nodes[n].in)
                if (id != kNoTensor) {
                    EXPECT_TRUE(written[static_cast<size_t>(graph.memory_of(id))]) << graph.nodes[n].name;
                }
            for (const TensorId id : graph.nodes[n].out)
                if (id != kNoTensor) written[static_cast<size_t>(id)] = true;
        }
    }
    EXPECT_EQ(seen.size(), graph.nodes.size());
}

TEST(Partition, RandomGraphsAreSound) {
    size_t gained = 0;
    for (uint32_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        const Graph graph = test::random_graph(seed);
        const auto device = test::random_devices(graph, seed, 2 + static_cast<int32_t>(seed % 3));
        const auto segments = partition(graph, device);
        expect_sound(graph, device, segments);
        EXPECT_LE(segments.size(), changes(device)) << "never more than the order of the graph gives";
        gained += changes(device) - segments.size();
    }
    EXPECT_GT(gained, 300u) << "moving nodes helps";
}

TEST(Partition, OneDeviceIsOnePartInOrder) {
    const Graph graph = test::random_graph(1);
    const auto segments = partition(graph, std::vector<int32_t>(graph.nodes.size(), 3));
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].device, 3);
    EXPECT_TRUE(std::is_sorted(segments[0].nodes.begin(), segments[0].nodes.end()));
}

// Two chains that know nothing of each other, a node of each in turn: two segments, not twenty.
TEST(Partition, IndependentChainsAreGathered) {
    GraphBuilder b;
    TensorId x = b.input("x", make_desc(DType::F32, {1, 8})), y = x;
    std::vector<int32_t> device;
    for (int i = 0; i < 10; ++i) {
        x = b.op<ops::Scale>(fmt::format("x{}", i), {.x = x}).y;
        y = b.op<ops::Scale>(fmt::format("y{}", i), {.x = y}).y;
        device.insert(device.end(), {0, 1});
    }
    b.output(x);
    b.output(y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph);
    const auto segments = partition(*graph, device);
    expect_sound(*graph, device, segments);
    EXPECT_EQ(segments.size(), 2u);
}

// Nodes of one memory keep their order, though nothing else ties them.
TEST(Partition, StateKeepsItsOrder) {
    GraphBuilder b;
    const auto index = [&](const char* name, int64_t n) { return b.input(name, make_desc(DType::I32, {n})); };
    const TensorId x = b.input("x", make_desc(DType::F32, {1, 8}));
    const TensorId w = b.constant("w", make_desc(DType::F32, {8, 4}), nullptr);
    const TensorId state = b.memory("state", make_desc(DType::F32, {1, 3, 8}), nullptr);
    const TensorId start = index("start", 2), src = index("src", 1), dst = index("dst", 1);
    for (int i = 0; i < 6; ++i)
        b.output(b.op<ops::SsmConv>(fmt::format("c{}", i),
                                    {.x = x, .w = w, .state = state, .seq_start = start, .src_slot = src, .dst_slot = dst})
                     .y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    const auto segments = partition(*graph, std::vector<int32_t>{0, 1, 0, 1, 0, 1});
    ASSERT_EQ(segments.size(), 6u);
    for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(segments[i].nodes, std::vector<uint32_t>{i});
}

}  // namespace
}  // namespace krait::graph
