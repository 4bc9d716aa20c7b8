// SPDX-License-Identifier: Apache-2.0
//
// plan_memory: nothing that lives at the same time may overlap, and the arena stays near the largest live set.
#include "graph/passes/plan_memory.hpp"

#include <gtest/gtest.h>

#include "tests/graph/random_graph.hpp"

namespace krait::graph {
namespace {

constexpr uint64_t kAlignment = 64;

struct Life {
    int64_t first, last;
};

// Written from the definition, apart from the pass: when each tensor's memory is needed.
std::vector<Life> lives(const Graph& graph) {
    const auto end = static_cast<int64_t>(graph.nodes.size());
    std::vector<Life> result(graph.tensors.size(), {INT64_MAX, INT64_MIN});
    const auto touch = [&](TensorId id, int64_t when) {
        Life& life = result[static_cast<size_t>(graph.memory_of(id))];
        life.first = std::min(life.first, when);
        life.last = std::max(life.last, when);
    };
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        if (graph.tensors[i].role == TensorRole::input) touch(static_cast<TensorId>(i), -1);
        if (graph.tensors[i].role == TensorRole::output) touch(static_cast<TensorId>(i), end);
    }
    for (int64_t n = 0; n < end; ++n) {
        for (const TensorId id : graph.nodes[static_cast<size_t>(n)].in)
            if (id != kNoTensor) touch(id, n);
        for (const TensorId id : graph.nodes[static_cast<size_t>(n)].out)
            if (id != kNoTensor) touch(id, n);
    }
    return result;
}

void expect_sound(const Graph& graph, const MemoryPlan& plan) {
    const auto when = lives(graph);
    const auto placed = [&](size_t i) {
        return graph.tensors[i].role != TensorRole::view && plan.offset[i] != MemoryPlan::kUnplaced;
    };
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        const Tensor& a = graph.tensors[i];
        if (a.role == TensorRole::constant || a.role == TensorRole::memory) {
            EXPECT_EQ(plan.offset[i], MemoryPlan::kUnplaced);
            continue;
        }
        if (a.role == TensorRole::view) {
            EXPECT_EQ(plan.offset[i], plan.offset[static_cast<size_t>(a.base)] + a.offset);
            continue;
        }
        ASSERT_TRUE(placed(i)) << a.name;
        EXPECT_EQ(plan.offset[i] % kAlignment, 0u);
        EXPECT_LE(plan.offset[i] + static_cast<uint64_t>(span_bytes(a.desc)), plan.peak_bytes);
        for (size_t j = 0; j < i; ++j) {
            if (!placed(j) || when[i].first > when[j].last || when[j].first > when[i].last) continue;
            const Tensor& b = graph.tensors[j];
            const bool apart = plan.offset[i] + static_cast<uint64_t>(span_bytes(a.desc)) <= plan.offset[j] ||
                               plan.offset[j] + static_cast<uint64_t>(span_bytes(b.desc)) <= plan.offset[i];
            EXPECT_TRUE(apart) << a.name << " and " << b.name << " are alive together and overlap";
        }
    }
    EXPECT_GE(plan.peak_bytes, plan.largest_live_bytes);
    EXPECT_GE(plan.naive_bytes, plan.peak_bytes);
}

TEST(PlanMemory, RandomGraphsAreSound) {
    for (uint32_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        const Graph graph = test::random_graph(seed);
        expect_sound(graph, plan_memory(graph, kAlignment));
    }
}

TEST(PlanMemory, AChainNeedsTwoTensors) {
    GraphBuilder b;
    TensorId x = b.input("x", make_desc(DType::F32, {4, 256}));
    for (int i = 0; i < 20; ++i) x = b.op<ops::Scale>("s" + std::to_string(i), {.x = x}).y;
    b.output(x);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph);
    const MemoryPlan plan = plan_memory(*graph, kAlignment);
    expect_sound(*graph, plan);
    EXPECT_EQ(plan.peak_bytes, 2u * 4 * 256 * 4);
    EXPECT_EQ(plan.naive_bytes, 21u * 4 * 256 * 4);
}

TEST(PlanMemory, OutputsStayUntilTheEnd) {
    GraphBuilder b;
    const TensorId x = b.input("x", make_desc(DType::F32, {1, 64}));
    const TensorId early = b.op<ops::Scale>("early", {.x = x}).y;
    b.output(early);
    TensorId y = x;
    for (int i = 0; i < 5; ++i) y = b.op<ops::Scale>("s" + std::to_string(i), {.x = y}).y;
    b.output(y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph);
    const MemoryPlan plan = plan_memory(*graph, kAlignment);
    expect_sound(*graph, plan);
    EXPECT_EQ(plan.peak_bytes, 3u * 64 * 4);
}

TEST(PlanMemory, EmptyTensorsHaveAPlaceOfTheirOwn) {
    GraphBuilder b;
    b.output(b.op<ops::Scale>("none", {.x = b.input("x", make_desc(DType::F32, {0, 16}))}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    const MemoryPlan plan = plan_memory(*graph, kAlignment);
    EXPECT_GT(plan.peak_bytes, 0u);
    EXPECT_NE(plan.offset[0], plan.offset[1]);
}

}  // namespace
}  // namespace krait::graph
