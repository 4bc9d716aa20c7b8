// SPDX-License-Identifier: Apache-2.0
//
// The graph of a run: what its end is made of for each kind of result.
#include "models/architectures/forward.hpp"
#include "models/model.hpp"

#include <gtest/gtest.h>

namespace krait {
namespace {

graph::Graph forward(const RunShape& shape, int64_t n_token = INT64_MAX) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference"});
    EXPECT_TRUE(model) << model.error().message;
    auto graph = build_forward((*model)->architecture(), (*model)->weights().descs(), 2, shape, n_token);
    EXPECT_TRUE(graph) << graph.error().message;
    EXPECT_TRUE(graph::validate(*graph));
    return std::move(*graph);
}

TEST(Forward, PaddingOfTheVocabularyIsNoCandidate) {
    const RunShape shape{.n_tok = 8, .n_seq = 3, .n_out = 3, .top_k = 5};
    const graph::Graph graph = forward(shape, 90);
    const RunTensors tensors = run_tensors(graph, shape);
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
    EXPECT_EQ(run_tensors(graph, shape).out_rows, graph::kNoTensor) << "its only row reaches the head";
}

// What a device may leave out where a run is smaller than its shape: each tensor that is computed row by row says which rows.
TEST(Forward, RowsGoWithDynamicDimensions) {
    const RunShape shape{.n_tok = 8, .n_seq = 3, .n_out = 4, .top_k = 2, .n_snapshot = 5};
    const graph::Graph graph = forward(shape);
    EXPECT_EQ(graph.dim_max, (std::vector<int64_t>{8, 3, 4, 5}));
    const RunTensors tensors = run_tensors(graph, shape);
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
    const RunTensors tensors = run_tensors(graph, with);
    EXPECT_EQ(graph[tensors.snapshots].name, "snapshots");
    EXPECT_EQ(graph[tensors.snapshots].role, graph::TensorRole::input);
    EXPECT_EQ(run_tensors(forward(without), without).snapshots, graph::kNoTensor);
    EXPECT_NE(RunKey(with).text(), RunKey(without).text());
}

}  // namespace
}  // namespace krait
