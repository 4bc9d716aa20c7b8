// SPDX-License-Identifier: Apache-2.0
//
// The graph of a run: what its end is made of for each kind of result.
#include "models/architectures/forward.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "models/layers/linear.hpp"
#include "models/session/placed_forward.hpp"

namespace krait {
namespace {

graph::Graph forward(const RunShape& shape, int64_t n_token = INT64_MAX) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference"});
    EXPECT_TRUE(model) << model.error().message;
    auto graph = build_forward((*model)->architecture(), (*model)->weights().descs(), {.n_slots = 2}, shape, n_token);
    EXPECT_TRUE(graph) << graph.error().message;
    EXPECT_TRUE(graph::validate(*graph));
    return std::move(*graph);
}

TEST(Forward, PaddingOfTheVocabularyIsNoCandidate) {
    const RunShape shape{.n_tok = 8, .n_seq = 3, .n_out = 3, .top_k = 5};
    const graph::Graph graph = forward(shape, 90);
    const RunTensors tensors = run_tensors(graph);
    ASSERT_EQ(graph.nodes.back().op, OpId::top_k);
    const graph::Tensor& x = graph[graph.nodes.back().in[0]];
    ASSERT_EQ(x.role, graph::TensorRole::view);
    EXPECT_EQ(x.base, tensors.logits);
    EXPECT_EQ(x.desc.extent[0], 3);
    EXPECT_EQ(x.desc.extent[1], 90);
    EXPECT_EQ(x.desc.stride[0], 101 * 4) << "rows of all logits";
    EXPECT_EQ(graph[tensors.top_tokens].role, graph::TensorRole::output);
    EXPECT_EQ(graph[tensors.logits].role, graph::TensorRole::output);
}

TEST(Forward, AStepOfOneTokenPicksNoRows) {
    const RunShape shape{.n_tok = 1, .n_seq = 1, .n_out = 1, .top_k = 1};
    const graph::Graph graph = forward(shape);
    EXPECT_EQ(run_tensors(graph).out_rows, graph::kNoTensor) << "its only row reaches the head";
}

// A device may leave rows out where a run is smaller than its shape: each tensor that is computed row by row says which rows.
TEST(Forward, RowsGoWithDynamicDimensions) {
    const RunShape shape{.n_tok = 8, .n_seq = 3, .n_out = 4, .top_k = 2, .n_snapshot = 5};
    const graph::Graph graph = forward(shape);
    EXPECT_EQ(graph.dim_max, (std::vector<int64_t>{8, 3, 4, 5, 0}));
    const RunTensors tensors = run_tensors(graph);
    const auto dim = [&](graph::TensorId id) { return graph[id].dim; };
    EXPECT_EQ(dim(tensors.ids), kRows + 1);
    for (const graph::TensorId id : {tensors.seq_start, tensors.src_slot, tensors.dst_slot}) EXPECT_EQ(dim(id), kSequences + 1);
    for (const graph::TensorId id : {tensors.out_rows, tensors.logits, tensors.top_logits, tensors.top_tokens})
        EXPECT_EQ(dim(id), kOutputs + 1) << graph[id].name;
    EXPECT_EQ(dim(tensors.snapshots), kSnapshots + 1);
    for (const graph::Node& node : graph.nodes)
        for (const graph::TensorId id : node.out) {
            if (id == graph::kNoTensor) continue;
            const bool is_of_head = node.layer == graph::kHead || node.name == "last_rows";
            EXPECT_EQ(dim(id), (is_of_head ? kOutputs : kRows) + 1) << graph[id].name;
        }
}

TEST(Forward, SnapshotsAreAnInputWhereThereAreSome) {
    const RunShape with{.n_tok = 8, .n_seq = 1, .n_out = 0, .n_snapshot = 2}, without{.n_tok = 8, .n_seq = 1, .n_out = 0};
    const graph::Graph graph = forward(with);
    const RunTensors tensors = run_tensors(graph);
    EXPECT_EQ(graph[tensors.snapshots].name, "snapshots");
    EXPECT_EQ(graph[tensors.snapshots].role, graph::TensorRole::input);
    EXPECT_EQ(run_tensors(forward(without)).snapshots, graph::kNoTensor);
    EXPECT_NE(RunKey(with).text(), RunKey(without).text());
}

// A run of six tokens in two sequences whose final norm is read as well: what the head reads.
struct HiddenRun {
    std::vector<float> hidden, normed, logits;
};
Result<HiddenRun> run_hidden(const Model& model, const RunShape& shape, std::span<const int32_t> rows) {
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model.devices()));
    KRAIT_TRY(const SequenceMemory memory,
              SequenceMemory::create(model.architecture(), model.devices(), model.placement(), {.n_slots = 2}));
    graph::TensorId normed = graph::kNoTensor;
    KRAIT_TRY(graph::Compiled * compiled, executor.prepare(RunKey(shape).text(), [&]() -> Result<graph::PlacedGraph> {
        KRAIT_TRY(graph::Graph graph, build_forward(model.architecture(), model.weights().descs(), {.n_slots = 2}, shape));
        for (const graph::Node& node : graph.nodes)
            if (node.name == "output_norm") normed = node.out[0];
        if (normed != graph::kNoTensor) graph[normed].role = graph::TensorRole::output;
        return build_placed(model, memory, std::move(graph));
    }));
    const RunTensors tensors = run_tensors(compiled->graph());
    const std::vector<int32_t> ids{3, 1, 4, 1, 5, 9}, seq_start{0, 4, 6}, src{-1, -1}, dst{0, 1};
    std::vector<graph::InputBytes> inputs;
    const auto set = [&](graph::TensorId id, std::span<const int32_t> values) {
        inputs.push_back({id, std::as_bytes(values)});
    };
    set(tensors.ids, ids);
    set(tensors.seq_start, seq_start);
    set(tensors.src_slot, src);
    set(tensors.dst_slot, dst);
    const std::vector<int32_t> all_rows{0, 1, 2, 3, 4, 5};
    if (tensors.out_rows != graph::kNoTensor) set(tensors.out_rows, all_rows);
    if (tensors.hidden_rows != graph::kNoTensor) set(tensors.hidden_rows, rows);
    KRAIT_CHECK(executor.run(*compiled, inputs));
    HiddenRun run;
    const auto read = [&](graph::TensorId id, std::vector<float>& values) -> Result<void> {
        if (id == graph::kNoTensor) return {};
        values.resize(static_cast<size_t>(element_count(compiled->graph()[id].desc)));
        return executor.read(*compiled, id, std::as_writable_bytes(std::span(values)));
    };
    KRAIT_CHECK(read(tensors.hidden, run.hidden));
    KRAIT_CHECK(read(normed, run.normed));
    KRAIT_CHECK(read(tensors.logits, run.logits));
    return run;
}

class HiddenStates : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(HiddenStates, AreWhatTheHeadReads) {
    const auto& [name, device] = GetParam();
    const auto model = Model::load(fmt::format("tests/golden/{}.gguf", name), {.device = device});
    ASSERT_TRUE(model) << model.error().message;
    const auto width = static_cast<size_t>((*model)->shape().d_model);
    const std::vector<int32_t> rows{5, 0, 3};  // in any order
    const auto some = run_hidden(**model, {.n_tok = 6, .n_seq = 2, .n_out = 6, .n_hidden = 3}, rows);
    ASSERT_TRUE(some) << some.error().message;
    ASSERT_EQ(some->normed.size(), 6 * width);
    ASSERT_EQ(some->hidden.size(), 3 * width);
    for (size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(std::memcmp(some->hidden.data() + i * width, some->normed.data() + static_cast<size_t>(rows[i]) * width,
                              width * sizeof(float)),
                  0)
            << "row " << rows[i];

    const auto all = run_hidden(**model, {.n_tok = 6, .n_seq = 2, .n_out = 0, .n_hidden = 6}, {});
    ASSERT_TRUE(all) << all.error().message;
    EXPECT_TRUE(all->logits.empty()) << "no head without rows for it";
    EXPECT_EQ(all->hidden, some->normed);

    const auto none = run_hidden(**model, {.n_tok = 6, .n_seq = 2, .n_out = 6}, {});
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_TRUE(none->hidden.empty());
    EXPECT_EQ(none->logits, some->logits) << "hidden states change nothing else";
}

INSTANTIATE_TEST_SUITE_P(Models, HiddenStates,
                         testing::Combine(testing::Values("mamba", "falcon_mamba", "mamba2"),
                                          testing::Values("cpu", "reference")));

TEST(Forward, ShapesThatDifferInHiddenRowsHaveTheirOwnGraphs) {
    const RunShape without{.n_tok = 6, .n_seq = 2, .n_out = 6}, with{.n_tok = 6, .n_seq = 2, .n_out = 6, .n_hidden = 1};
    EXPECT_NE(RunKey(without).text(), RunKey(with).text());
    const RunShape largest{INT64_MAX, INT64_MAX, INT64_MAX, INT32_MAX, INT64_MAX, INT64_MAX};
    EXPECT_TRUE(RunKey(largest).text().ends_with("/9223372036854775807"));
    const graph::Graph graph = forward(with);
    EXPECT_EQ(graph[run_tensors(graph).hidden_rows].name, "hidden_rows");
    EXPECT_EQ(graph[run_tensors(graph).hidden].desc.extent[0], 1);
}

// A mixer that asks for what its plan does not list is found when the graph is built, with the name.
TEST(Forward, WeightsAndMemoriesOutsideThePlanAreErrors) {
    LayerPlan plan;
    plan.weights = {linear_weight("known.weight", 4, 4)};
    const WeightDescs weights{make_desc(DType::F32, {4, 4})};
    for (const bool memory : {false, true}) {
        graph::GraphBuilder builder;
        const ForwardContext forward{.builder = builder, .weights = weights, .memory_sizes = {}};
        LayerContext layer(forward, plan, "blk.5.", 0, 0);
        EXPECT_EQ(layer.weight("known.weight"), layer.weight("known.weight")) << "one tensor, however often it is read";
        if (memory) layer.memory("unknown");
        else layer.weight("unknown");
        const auto graph = std::move(builder).finish();
        ASSERT_FALSE(graph);
        EXPECT_NE(graph.error().message.find(memory ? "'blk.5.unknown' is no memory" : "'blk.5.unknown' is no weight"),
                  std::string::npos)
            << graph.error().message;
    }
}

TEST(Forward, PlacementRefusesNodesThatItHasNotSeen) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    graph::Graph graph = forward({.n_tok = 2, .n_seq = 1, .n_out = 1});
    EXPECT_TRUE((*model)->placement().devices_of(graph));
    graph.nodes[3].name = "stranger";
    const auto devices = (*model)->placement().devices_of(graph);
    ASSERT_FALSE(devices);
    EXPECT_NE(devices.error().message.find("'stranger'"), std::string::npos) << devices.error().message;
}

}  // namespace
}  // namespace krait
