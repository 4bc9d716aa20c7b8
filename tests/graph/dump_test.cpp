// SPDX-License-Identifier: Apache-2.0
#include "graph/dump.hpp"

#include <gtest/gtest.h>

#include "graph/builder.hpp"

namespace krait::graph {
namespace {

Graph gate() {
    GraphBuilder b;
    const TensorId x = b.input("x", make_desc(DType::F32, {2, 6}));
    const TensorId w = b.constant("blk.0.\"w\"", make_desc(DType::F32, {3, 6}), nullptr);
    const TensorId h = b.op<ops::MulMat>("h", {.x = x, .w = w}).y;
    b.output(b.op<ops::SiluMul>("y", {.a = h, .b = b.columns("x.head", x, 0, 3)}).y);
    auto graph = std::move(b).finish();
    EXPECT_TRUE(graph);
    return std::move(*graph);
}

TEST(Dump, TextHasOneLineANode) {
    EXPECT_EQ(to_text(gate()),
              "   0 h mul_mat(x=x, w=blk.0.\"w\") -> F32 [2, 3]\n"
              "   1 y silu_mul(a=h, b=x.head) -> F32 [2, 3]\n");
}

TEST(Dump, TextReportsTheMemoryPlan) {
    const Graph graph = gate();
    const MemoryPlan plan = plan_memory(graph, 64);
    EXPECT_NE(to_text(graph, &plan).find("memory: 192 bytes at the peak, 192 if nothing shared, 192 alive at once"),
              std::string::npos)
        << to_text(graph, &plan);
}

TEST(Dump, DotDrawsEveryEdgeFromWhatWritesIt) {
    const std::string dot = to_dot(gate());
    EXPECT_NE(dot.find("t0 -> n0 [label=\"x\"]"), std::string::npos) << dot;
    EXPECT_NE(dot.find("t1 -> n0 [label=\"w\"]"), std::string::npos) << dot;
    EXPECT_NE(dot.find("n0 -> n1 [label=\"a\"]"), std::string::npos) << dot;
    EXPECT_NE(dot.find("t0 -> n1 [label=\"b\"]"), std::string::npos) << "a view is drawn from its base\n" << dot;
    EXPECT_NE(dot.find("blk.0.\\\"w\\\""), std::string::npos) << "quotes in names are escaped\n" << dot;
    EXPECT_EQ(dot.substr(0, 8), "digraph ");
    EXPECT_EQ(dot.substr(dot.size() - 2), "}\n");
}

}  // namespace
}  // namespace krait::graph
