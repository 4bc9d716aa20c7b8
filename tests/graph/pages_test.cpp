// SPDX-License-Identifier: Apache-2.0
//
// Nodes that only write a memory: they have no result, so nothing reads them, and they must run all the same, in their order,
// with what they read still there.
#include <gtest/gtest.h>

#include "graph/builder.hpp"
#include "graph/dump.hpp"
#include "graph/executor.hpp"
#include "graph/node_work.hpp"
#include "graph/passes/partition.hpp"

namespace krait::graph {
namespace {

constexpr int64_t kTok = 3, kWidth = 4;
const TensorDesc kCache = make_desc(DType::F32, {2, 2, kWidth});

// cache[rows] = 2 x, and cache[later] = 3 x; y is something else.
struct Written {
    TensorId x = kNoTensor, rows = kNoTensor, later = kNoTensor, y = kNoTensor;
    Graph graph;
};

Result<Written> two_writes(std::shared_ptr<const Buffer> storage) {
    Written made;
    GraphBuilder b;
    made.x = b.input("x", make_desc(DType::F32, {kTok, kWidth}));
    made.rows = b.input("rows", make_desc(DType::I32, {kTok}));
    made.later = b.input("later", make_desc(DType::I32, {kTok}));
    const TensorId cache = b.memory("cache", kCache, std::move(storage));
    const TensorId twice = b.op<ops::Scale>("twice", {.x = made.x}, {.scale = 2, .bias = 0}).y;
    b.op<ops::KvWrite>("first", {.x = twice, .cache = cache, .rows = made.rows});
    const TensorId thrice = b.op<ops::Scale>("thrice", {.x = made.x}, {.scale = 3, .bias = 0}).y;
    b.op<ops::KvWrite>("second", {.x = thrice, .cache = cache, .rows = made.later});
    made.y = b.op<ops::Scale>("y", {.x = made.x}, {.scale = 1, .bias = 1}).y;
    b.output(made.y);
    KRAIT_TRY(made.graph, std::move(b).finish());
    return made;
}

class Pages : public testing::TestWithParam<const char*> {};

TEST_P(Pages, ANodeWithoutResultsRunsInItsPlace) {
    const auto device = Device::open(GetParam());
    ASSERT_TRUE(device) << device.error().message;
    const krait_use use{static_cast<uint32_t>(OpId::kv_write), static_cast<uint32_t>(find_memory(ops::KvWrite::kIn))};
    auto created = (*device)->create_memory(kCache, {&use, 1});
    ASSERT_TRUE(created) << created.error().message;
    const auto cache = std::make_shared<const Buffer>(std::move(*created));
    auto executor = Executor::create(*device);
    ASSERT_TRUE(executor) << executor.error().message;
    auto written = two_writes(cache);
    ASSERT_TRUE(written) << written.error().message;
    const auto compiled = executor->prepare("written", [&]() -> Result<Graph> { return std::move(written->graph); });
    ASSERT_TRUE(compiled) << compiled.error().message;

    std::vector<float> pages(4 * kWidth, 99);
    for (int64_t page : {0, 1})
        ASSERT_TRUE(executor->queue().import_memory(*cache, page, std::as_bytes(std::span(pages).first(2 * kWidth))));
    std::vector<float> x(kTok * kWidth);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
    const std::vector<int32_t> rows{3, 1, -1}, later{1, -1, -1};  // row 1 is written by both: the later one stays
    const InputBytes inputs[] = {{written->x, std::as_bytes(std::span(x))},
                                 {written->rows, std::as_bytes(std::span(rows))},
                                 {written->later, std::as_bytes(std::span(later))}};
    const auto ran = executor->run(**compiled, inputs);
    ASSERT_TRUE(ran) << ran.error().message;
    for (int64_t page : {0, 1})
        ASSERT_TRUE(executor->queue().export_memory(
            *cache, page,
            std::as_writable_bytes(std::span(pages).subspan(static_cast<size_t>(page) * 2 * kWidth, 2 * kWidth))));
    ASSERT_TRUE(executor->sync());
    EXPECT_EQ(pages, (std::vector<float>{99, 99, 99, 99, 0, 3, 6, 9, 99, 99, 99, 99, 0, 2, 4, 6}));

    const std::vector<int32_t> outside{4, 1, -1};
    const InputBytes wrong[] = {inputs[0], {written->rows, std::as_bytes(std::span(outside))}, inputs[2]};
    const auto refused = executor->run(**compiled, wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "rows: rows[0] = 4: rows of cache are -1 (nowhere) and 0 to 3");
}

INSTANTIATE_TEST_SUITE_P(Devices, Pages, testing::Values("reference", "cpu"));

TEST(PagesOfGraph, AreShownInDumps) {
    const auto written = two_writes(nullptr);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_NE(to_text(written->graph).find("1 first kv_write(x=twice, cache=cache, rows=rows) ->\n"), std::string::npos)
        << to_text(written->graph);
    EXPECT_NE(to_dot(written->graph).find("cache"), std::string::npos);
    const MemoryPlan plan = plan_memory(written->graph, 64);
    EXPECT_NE(to_text(written->graph, &plan).find("first kv_write"), std::string::npos);
}

TEST(PagesOfGraph, WritersKeepTheirOrderOnTwoDevices) {
    const auto written = two_writes(nullptr);
    ASSERT_TRUE(written);
    size_t n_nodes = 0, n_first = 0, n_second = 0;
    for (const DeviceSegment& segment : partition(written->graph, std::vector<int32_t>{0, 1, 0, 1, 0}))
        for (const uint32_t node : segment.nodes) {
            ++n_nodes;
            if (written->graph.nodes[node].name == "first") n_first = n_nodes;
            if (written->graph.nodes[node].name == "second") n_second = n_nodes;
        }
    EXPECT_EQ(n_nodes, written->graph.nodes.size());
    EXPECT_LT(n_first, n_second);
    EXPECT_GT(n_first, 0u);
}

TEST(PagesOfGraph, WorkIsTheRowsThatAreWritten) {
    const auto written = two_writes(nullptr);
    ASSERT_TRUE(written);
    const std::vector<int32_t> rows{3, 1, -1};
    const InputBytes input{written->rows, std::as_bytes(std::span(rows))};
    const NodeWork work = node_work(written->graph, written->graph.nodes[1], {&input, 1});
    EXPECT_EQ(work.states_written, 2u * kWidth * 4);
    EXPECT_EQ(work.states_read, 0u);
    EXPECT_EQ(work.values_read, static_cast<uint64_t>(kTok * kWidth * 4 + kTok * 4));
    EXPECT_EQ(work.values_written, 0u);
}

TEST(PagesOfGraph, OperandsAreMemoriesOfTheRightShape) {
    const auto refused = [](const TensorDesc& cache, bool as_input, std::string_view words) {
        GraphBuilder b;
        const TensorId x = b.input("x", make_desc(DType::F32, {kTok, kWidth})),
                       rows = b.input("rows", make_desc(DType::I32, {kTok}));
        const TensorId memory = as_input ? b.input("cache", cache) : b.memory("cache", cache, nullptr);
        b.op<ops::KvWrite>("write", {.x = x, .cache = memory, .rows = rows});
        const auto graph = std::move(b).finish();
        ASSERT_FALSE(graph);
        EXPECT_NE(graph.error().message.find(words), std::string::npos) << graph.error().message;
    };
    refused(make_desc(DType::F32, {2, 2, kWidth - 1}), false, "do not fit");
    refused(kCache, true, "a memory of pages");
}

}  // namespace
}  // namespace krait::graph
