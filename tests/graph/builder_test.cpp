// SPDX-License-Identifier: Apache-2.0
//
// GraphBuilder and validate(): what they accept, and the words with which they refuse.
#include "graph/builder.hpp"

#include <gtest/gtest.h>

namespace krait::graph {
namespace {

TensorDesc f32(std::initializer_list<int64_t> extents) { return make_desc(DType::F32, extents); }

// Two projections of one input and their sum.
GraphBuilder small(TensorId* x = nullptr, TensorId* y = nullptr) {
    GraphBuilder b;
    const TensorId in = b.input("in", f32({3, 8}));
    const TensorId w = b.constant("w", f32({4, 8}), nullptr);
    const TensorId left = b.op<ops::MulMat>("left", {.x = in, .w = w}).y;
    const TensorId right = b.op<ops::MulMat>("right", {.x = in, .w = w}).y;
    const TensorId sum = b.op<ops::Add>("sum", {.a = left, .b = right}).y;
    b.output(sum);
    if (x) *x = in;
    if (y) *y = sum;
    return b;
}

TEST(GraphBuilder, InfersShapes) {
    TensorId y = kNoTensor;
    auto graph = small(nullptr, &y).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(to_string((*graph)[y].desc), "F32 [3, 4]");
    EXPECT_EQ((*graph)[y].role, TensorRole::output);
    EXPECT_EQ(graph->nodes.size(), 3u);
}

TEST(GraphBuilder, KeepsTheFirstMistakeAndNamesTheNode) {
    GraphBuilder b;
    const TensorId in = b.input("in", f32({3, 8}));
    const TensorId w = b.constant("w", f32({4, 7}), nullptr);
    const TensorId y = b.op<ops::MulMat>("project", {.x = in, .w = w}).y;
    EXPECT_EQ(y, kNoTensor);
    b.op<ops::Add>("later", {.a = y, .b = y});
    const auto graph = std::move(b).finish();
    ASSERT_FALSE(graph);
    EXPECT_NE(graph.error().message.find("'project' (mul_mat)"), std::string::npos) << graph.error().message;
    EXPECT_NE(graph.error().message.find("operand 'w' is F32 [4, 7]"), std::string::npos) << graph.error().message;
    EXPECT_EQ(graph.error().message.find("later"), std::string::npos);
}

TEST(GraphBuilder, NamesAMissingOperand) {
    GraphBuilder b;
    b.op<ops::Add>("sum", {.a = b.input("a", f32({2, 2}))});
    const auto graph = std::move(b).finish();
    ASSERT_FALSE(graph);
    EXPECT_NE(graph.error().message.find("operand 'b' is missing"), std::string::npos) << graph.error().message;
}

TEST(GraphBuilder, ViewsOfViewsHaveOneBase) {
    GraphBuilder b;
    const TensorId x = b.input("x", f32({4, 12}));
    const TensorId middle = b.columns("middle", x, 3, 8);
    const TensorId tail = b.columns("tail", middle, 5, 3);
    b.output(b.op<ops::Copy>("out", {.x = tail}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ((*graph)[tail].base, x);
    EXPECT_EQ((*graph)[tail].offset, (3u + 5u) * sizeof(float));
    EXPECT_EQ((*graph)[tail].desc.stride[0], 12 * 4);
}

TEST(GraphBuilder, RefusesViewsBeyondTheirBase) {
    GraphBuilder b;
    const TensorId x = b.input("x", f32({4, 12}));
    b.columns("wide", x, 5, 8);
    const auto graph = std::move(b).finish();
    ASSERT_FALSE(graph);
    EXPECT_NE(graph.error().message.find("columns 5 to 13 of 'x'"), std::string::npos) << graph.error().message;
}

// A valid graph, then one thing of it made wrong; the error must hold these words.
struct Damage {
    const char* name;
    void (*apply)(Graph&);
    const char* words;
};
class Validate : public testing::TestWithParam<Damage> {};

TEST_P(Validate, NamesWhatIsWrong) {
    auto graph = small().finish();
    ASSERT_TRUE(graph);
    ASSERT_TRUE(validate(*graph));
    GetParam().apply(*graph);
    const auto checked = validate(*graph);
    ASSERT_FALSE(checked);
    EXPECT_NE(checked.error().message.find(GetParam().words), std::string::npos) << checked.error().message;
}

// Tensors of small(): 0 in, 1 w, 2 left, 3 right, 4 sum. Nodes: 0 left, 1 right, 2 sum.
INSTANTIATE_TEST_SUITE_P(
    Graph, Validate,
    testing::Values(
        Damage{"UnknownOp", [](Graph& g) { g.nodes[1].op = static_cast<OpId>(99); }, "node 1 'right': there is no op 99"},
        Damage{"ReadBeforeWritten", [](Graph& g) { std::swap(g.nodes[0], g.nodes[2]); },
               "node 0 'sum' (add): operand 'a' reads 'left' before"},
        Damage{"WrittenTwice", [](Graph& g) { g.nodes[1].out[0] = 2; }, "'left' is written twice"},
        Damage{"WrongResultShape",
               [](Graph& g) {
                   g.tensors[3].desc = f32({3, 5});
               },
               "result 'y' is F32 [3, 5]; the op gives F32 [3, 4]"},
        Damage{"NoSuchTensor", [](Graph& g) { g.nodes[2].in[1] = 77; }, "operand 'b' is tensor 77, which does not exist"},
        Damage{"OperandMissing", [](Graph& g) { g.nodes[2].in[1] = kNoTensor; }, "operand 'b' is missing"},
        Damage{"OperandTooMany", [](Graph& g) { g.nodes[2].in[2] = 0; }, "has 2 operands"},
        Damage{"ConstantExpected", [](Graph& g) { g.nodes[0].in[1] = 0; }, "operand 'w' is an input"},
        Damage{"ValueExpected", [](Graph& g) { g.nodes[2].in[0] = 1; }, "operand 'a' is a constant"},
        Damage{"ResultIsInput", [](Graph& g) { g.nodes[0].out[0] = 0; }, "result 'y' is an input"},
        Damage{"OutputNeverWritten", [](Graph& g) { g.nodes.pop_back(); }, "output 'sum' is written by no node"},
        Damage{"BaseIsView",
               [](Graph& g) {
                   g.tensors[2].role = TensorRole::view;
                   g.tensors[2].base = 2;
               },
               "is a view of tensor 2"},
        Damage{"ViewBeyondBase",
               [](Graph& g) {
                   g.tensors[2].role = TensorRole::view;
                   g.tensors[2].base = 0;
                   g.tensors[2].offset = 64;
               },
               "do not lie within 'in'"},
        Damage{"BadRank", [](Graph& g) { g.tensors[0].desc.rank = 9; }, "tensor 0 'in': rank 9"},
        Damage{"BadType", [](Graph& g) { g.tensors[0].desc.dtype = 999; }, "unknown element type 999"},
        Damage{"NegativeExtent", [](Graph& g) { g.tensors[0].desc.extent[0] = -1; }, "is negative"},
        Damage{"HugeShape", [](Graph& g) { g.tensors[0].desc.extent[0] = INT64_MAX; }, "more elements than can be addressed"},
        Damage{"StridedOwner", [](Graph& g) { g.tensors[0].desc.stride[0] = 4096; }, "must be contiguous"}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace krait::graph
