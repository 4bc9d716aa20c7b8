// SPDX-License-Identifier: Apache-2.0
//
// Bytes and operations of nodes, beside figures that are worked out by hand.
#include "graph/node_work.hpp"

#include <gtest/gtest.h>

#include "core/ops/attention.hpp"
#include "core/ops/get_rows.hpp"
#include "core/ops/mul_mat.hpp"
#include "core/ops/mul_mat_experts.hpp"
#include "core/ops/ssm_conv.hpp"
#include "core/ops/ssm_scan.hpp"
#include "graph/builder.hpp"

namespace krait::graph {
namespace {

TensorDesc f32(std::initializer_list<int64_t> extents) { return make_desc(DType::F32, extents); }
TensorDesc i32(std::initializer_list<int64_t> extents) { return make_desc(DType::I32, extents); }

TEST(NodeWork, AProductReadsItsWeightOnce) {
    GraphBuilder b;
    const TensorId x = b.input("x", f32({5, 64})), residual = b.input("residual", f32({5, 7}));
    const TensorId w = b.constant("w", make_desc(DType::Q8_0, {7, 64}), nullptr), bias = b.constant("bias", f32({7}), nullptr);
    b.output(b.op<ops::MulMat>("y", {.x = x, .w = w, .bias = bias, .residual = residual}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    const NodeWork work = node_work(*graph, graph->nodes[0]);
    EXPECT_EQ(work.weight_bytes, 7u * 2 * 34 + 7 * 4) << "two blocks of 34 bytes a row, and the bias";
    EXPECT_EQ(work.values_read, 5u * 64 * 4 + 5 * 7 * 4);
    EXPECT_EQ(work.values_written, 5u * 7 * 4);
    EXPECT_EQ(work.states_read + work.states_written, 0u);
    EXPECT_EQ(work.operations, 2u * 5 * 7 * 64);
    EXPECT_EQ(work.bytes(), work.bytes_read() + work.bytes_written());
}

TEST(NodeWork, OfExpertsThoseThatRowsMayGoTo) {
    for (const int64_t n_tok : {1, 2, 50}) {
        GraphBuilder b;
        const TensorId x = b.input("x", f32({n_tok, 64})), ids = b.input("ids", i32({n_tok, 3}));
        const TensorId w = b.constant("w", make_desc(DType::Q8_0, {8, 7, 64}), nullptr);
        b.output(b.op<ops::MulMatExperts>("y", {.x = x, .w = w, .ids = ids}).y);
        const auto graph = std::move(b).finish();
        ASSERT_TRUE(graph) << graph.error().message;
        const NodeWork work = node_work(*graph, graph->nodes[0]);
        const auto rows = static_cast<uint64_t>(3 * n_tok);
        EXPECT_EQ(work.weight_bytes, std::min<uint64_t>(rows, 8) * 7 * 2 * 34) << n_tok;
        EXPECT_EQ(work.operations, 2 * rows * 7 * 64);
        EXPECT_EQ(work.values_read, static_cast<uint64_t>(n_tok) * (64 * 4 + 3 * 4));
        EXPECT_EQ(work.values_written, rows * 7 * 4);
    }
}

// A view of some columns counts by its own shape, not by the memory between its rows.
TEST(NodeWork, ViewsCountByTheirShape) {
    GraphBuilder b;
    const TensorId x = b.input("x", f32({3, 96}));
    const TensorId w = b.constant("w", make_desc(DType::Q4_0, {4, 32}), nullptr);
    b.output(b.op<ops::MulMat>("y", {.x = b.columns("part", x, 32, 32), .w = w}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(node_work(*graph, graph->nodes[0]).values_read, 3u * 32 * 4);
}

TEST(NodeWork, OfATableTheGatheredRows) {
    GraphBuilder b;
    const TensorId ids = b.input("ids", i32({3})), rows = b.input("rows", i32({2}));
    const TensorId table = b.constant("table", make_desc(DType::Q8_0, {1000, 64}), nullptr);
    const TensorId x = b.op<ops::GetRows>("embed", {.table = table, .ids = ids}).y;
    b.output(b.op<ops::GetRows>("last", {.table = x, .ids = rows}).y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    const NodeWork embed = node_work(*graph, graph->nodes[0]), last = node_work(*graph, graph->nodes[1]);
    EXPECT_EQ(embed.weight_bytes, 3u * 68);
    EXPECT_EQ(embed.values_read, 3u * 4) << "the ids";
    EXPECT_EQ(embed.values_written, 3u * 64 * 4);
    EXPECT_EQ(last.weight_bytes, 0u);
    EXPECT_EQ(last.values_read, 2u * 64 * 4 + 2 * 4);
    EXPECT_EQ(embed.operations + last.operations, 0u);
}

// Three sequences: one fresh, one that goes on, one whose state goes nowhere; of two snapshots one is unused.
TEST(NodeWork, StatesThatAreReadAndWritten) {
    constexpr uint64_t kConvSlot = 3 * 8 * 4, kScanSlot = 8 * 1 * 16 * 4;
    GraphBuilder b;
    const TensorId seq_start = b.input("seq_start", i32({4})), src = b.input("src_slot", i32({3}));
    const TensorId dst = b.input("dst_slot", i32({3})), snapshots = b.input("snapshots", i32({2, 2}));
    const TensorId x = b.input("x", f32({6, 8})), w = b.constant("w", f32({8, 4}), nullptr);
    const TensorId conv = b.memory("conv.state", f32({9, 3, 8}), nullptr),
                   scan = b.memory("scan.state", f32({9, 8, 1, 16}), nullptr);
    const TensorId u = b.op<ops::SsmConv>("conv",
                                          {.x = x,
                                           .w = w,
                                           .bias = kNoTensor,
                                           .state = conv,
                                           .seq_start = seq_start,
                                           .src_slot = src,
                                           .dst_slot = dst,
                                           .snapshots = snapshots},
                                          {})
                           .y;
    const TensorId dt = b.input("dt", f32({6, 8})), A = b.constant("A", f32({8, 16}), nullptr);
    const TensorId B = b.input("B", f32({6, 1, 16})), C = b.input("C", f32({6, 1, 16}));
    b.output(b.op<ops::SsmScan>("scan",
                                {.x = b.split_columns("u", u, 8, 1),
                                 .dt = dt,
                                 .dt_bias = kNoTensor,
                                 .A = A,
                                 .B = B,
                                 .C = C,
                                 .D = kNoTensor,
                                 .z = kNoTensor,
                                 .state = scan,
                                 .seq_start = seq_start,
                                 .src_slot = src,
                                 .dst_slot = dst,
                                 .snapshots = kNoTensor},
                                {})
                 .y);
    const auto graph = std::move(b).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    const std::vector<int32_t> src_slot{-1, 4, 5}, dst_slot{0, 4, -1}, snapshot{2, 7, -1, 8};
    const InputBytes inputs[] = {{src, std::as_bytes(std::span(src_slot))},
                                 {dst, std::as_bytes(std::span(dst_slot))},
                                 {snapshots, std::as_bytes(std::span(snapshot))}};
    const NodeWork of_conv = node_work(*graph, graph->nodes[0], inputs), of_scan = node_work(*graph, graph->nodes[1], inputs);
    EXPECT_EQ(of_conv.states_read, 2 * kConvSlot);
    EXPECT_EQ(of_conv.states_written, 3 * kConvSlot) << "two sequences and a snapshot";
    EXPECT_EQ(of_conv.values_read, 6u * 8 * 4 + (4 + 3 + 3 + 4) * 4) << "x, and the indices";
    EXPECT_EQ(of_conv.weight_bytes, 8u * 4 * 4);
    EXPECT_EQ(of_conv.operations, 2u * 6 * 8 * 4);
    EXPECT_EQ(of_scan.states_read, 2 * kScanSlot);
    EXPECT_EQ(of_scan.states_written, 2 * kScanSlot);
    EXPECT_EQ(of_scan.weight_bytes, 8u * 16 * 4);
    EXPECT_EQ(of_scan.operations, 0u);
    // Nothing is known of the slots: as many as there may be.
    EXPECT_EQ(node_work(*graph, graph->nodes[0]).states_read, 3 * kConvSlot);
    EXPECT_EQ(node_work(*graph, graph->nodes[0]).states_written, 5 * kConvSlot);
}

// A step at place 9 and a prompt of 3 at places 20 to 22, of which the last row is padding; 4 heads on 2 of 32 keys, 64 values.
TEST(NodeWork, KeysAndValuesThatRowsSee) {
    constexpr uint64_t kRow = 2 * (32 + 64) * 2;
    const auto work_of = [](int32_t window, int32_t v_column, bool is_given) {
        GraphBuilder b;
        const TensorId q = b.input("q", f32({5, 4, 32})),
                       cache = b.memory("cache", make_desc(DType::F16, {9, 8, 256}), nullptr);
        const TensorId table = b.input("page_table", i32({2, 4})), positions = b.input("positions", i32({5}));
        const TensorId starts = b.input("seq_start", i32({3}));
        b.output(b.op<ops::Attention>(
                      "y", {.q = q, .cache = cache, .page_table = table, .positions = positions, .seq_start = starts},
                      {.n_kv_head = 2, .v_dim = 64, .v_column = v_column, .window = window})
                     .y);
        const auto graph = std::move(b).finish();
        EXPECT_TRUE(graph) << graph.error().message;
        const std::vector<int32_t> places{9, 20, 21, 22, -1}, begins{0, 1, 5};
        const InputBytes inputs[] = {{positions, std::as_bytes(std::span(places))}, {starts, std::as_bytes(std::span(begins))}};
        return node_work(*graph, graph->nodes[0],
                         is_given ? std::span<const InputBytes>(inputs) : std::span<const InputBytes>());
    };
    const NodeWork all = work_of(0, 128, true), recent = work_of(5, 128, true), unknown = work_of(0, 128, false);
    EXPECT_EQ(all.states_read, (10 + 23) * kRow);
    EXPECT_EQ(all.operations, 2u * (10 + 21 + 22 + 23) * 4 * (32 + 64));
    EXPECT_EQ(all.states_written, 0u);
    EXPECT_EQ(all.values_read, 5u * 4 * 32 * 4 + (8 + 5 + 3) * 4);
    EXPECT_EQ(recent.states_read, (5 + 7) * kRow) << "places 5 to 9, and 16 to 22";
    EXPECT_EQ(recent.operations, 2u * 4 * 5 * 4 * (32 + 64));
    EXPECT_EQ(unknown.states_read, 2 * 32 * kRow);
    EXPECT_EQ(unknown.operations, 2u * 5 * 32 * 4 * (32 + 64));
    EXPECT_EQ(work_of(0, 0, true).states_read, (10 + 23) * 2 * 64 * 2u) << "values that begin with the keys";
}

}  // namespace
}  // namespace krait::graph
