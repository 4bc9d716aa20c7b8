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
    const RunShape shape{.n_tok = 8, .n_seq = 3, .n_out = 3, .n_top = 2, .top_k = 5};
    const graph::Graph graph = forward(shape, 90);
    const RunTensors tensors = run_tensors(graph, shape);
    ASSERT_EQ(graph.nodes.back().op, OpId::top_k);
    const graph::Tensor& x = graph[graph.nodes.back().in[0]];
    ASSERT_EQ(x.role, graph::TensorRole::view);
    EXPECT_EQ(x.base, tensors.logits);
    EXPECT_EQ(x.desc.extent[0], 2);
    EXPECT_EQ(x.desc.extent[1], 90);
    EXPECT_EQ(x.desc.stride[0], 101 * 4) << "rows of all logits";
    EXPECT_EQ(x.offset, 101u * 4) << "behind the row whose logits are wanted";
    EXPECT_EQ(graph[tensors.top_tokens].role, graph::TensorRole::output);
    EXPECT_EQ(graph[tensors.logits].role, graph::TensorRole::output);
}

TEST(Forward, LogitsThatNobodyWantsStayOnTheDevice) {
    const RunShape shape{.n_tok = 1, .n_seq = 1, .n_out = 1, .n_top = 1, .top_k = 1};
    const graph::Graph graph = forward(shape);
    const RunTensors tensors = run_tensors(graph, shape);
    EXPECT_EQ(tensors.logits, graph::kNoTensor);
    EXPECT_EQ(tensors.out_rows, graph::kNoTensor) << "all rows reach the head, in order";
    size_t n_output = 0;
    for (const graph::Tensor& tensor : graph.tensors) n_output += tensor.role == graph::TensorRole::output;
    EXPECT_EQ(n_output, 2u);
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
