// SPDX-License-Identifier: Apache-2.0
//
// Observers see a run's products: rows of x, and of experts whose matrix each of them meets.
#include "models/session/activations.hpp"

#include <gtest/gtest.h>

#include "core/ops/op_list.hpp"
#include "graph/builder.hpp"

namespace krait {
namespace {

constexpr int64_t kTokens = 3, kExperts = 4, kUsed = 2, kWidth = 8, kInner = 5;

std::vector<float> numbers(int64_t n) {
    std::vector<float> values;
    for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<float>(i * 37 % 23) / 8 - 1);
    return values;
}

struct Seen {
    std::vector<std::vector<float>> rows;
    std::vector<int64_t> matrices;
    int64_t n_matrix = 0;
};

TEST(Activations, OfExpertsARowForEachThatATokenGoesTo) {
    const auto device = Device::open("reference");
    ASSERT_TRUE(device) << device.error().message;
    const auto f32 = [](std::initializer_list<int64_t> extents) { return make_desc(DType::F32, extents); };
    const auto constant = [&](graph::GraphBuilder& b, const char* name, OpId op, std::initializer_list<int64_t> extents) {
        const TensorDesc desc = f32(extents);
        const krait_use use{static_cast<uint32_t>(op), 1};
        const std::vector<float> values = numbers(element_count(desc));
        auto buffer = (*device)->upload_constant(desc, {&use, 1}, std::as_bytes(std::span(values)));
        EXPECT_TRUE(buffer) << buffer.error().message;
        return b.constant(name, desc, std::make_shared<const Buffer>(std::move(*buffer)));
    };
    graph::TensorId given = graph::kNoTensor, ids = graph::kNoTensor, up = graph::kNoTensor;
    const auto build = [&]() -> Result<graph::Graph> {
        graph::GraphBuilder b;
        given = b.input("given", f32({kTokens, kWidth}));
        const graph::TensorId x = b.op<ops::Add>("x", {.a = given, .b = given}).y;
        const graph::TensorId router = constant(b, "router", OpId::mul_mat, {kExperts, kWidth});
        const graph::TensorId logits = b.op<ops::MulMat>("logits", {.x = x, .w = router}).y;
        const auto route = b.op<ops::RouteExperts>("route", {.logits = logits}, {.k = kUsed});
        const graph::TensorId w_up = constant(b, "up", OpId::mul_mat_experts, {kExperts, kInner, kWidth});
        const graph::TensorId w_down = constant(b, "down", OpId::mul_mat_experts, {kExperts, kWidth, kInner});
        ids = route.ids;
        up = b.op<ops::MulMatExperts>("y_up", {.x = x, .w = w_up, .ids = ids}).y;
        const graph::TensorId down = b.op<ops::MulMatExperts>("y_down", {.x = up, .w = w_down, .ids = ids}).y;
        b.output(b.op<ops::CombineExperts>("y", {.x = down, .weights = route.weights}).y);
        KRAIT_TRY(graph::Graph graph, std::move(b).finish());
        keep_activations(graph);
        return graph;
    };
    auto executor = graph::Executor::create(*device);
    ASSERT_TRUE(executor) << executor.error().message;
    auto compiled = executor->prepare("run", build);
    ASSERT_TRUE(compiled) << compiled.error().message;
    const std::vector<float> values = numbers(kTokens * kWidth);
    const graph::InputBytes input{given, std::as_bytes(std::span(values))};
    ASSERT_TRUE(executor->run(**compiled, {&input, 1}));
    std::map<std::string, Seen> seen;
    const auto observed = read_activations(*executor, **compiled, [&](const Activations& x) {
        Seen& of = seen[std::string(x.weight)];
        of.n_matrix = x.n_matrix;
        for (int64_t r = 0; r < x.n_row; ++r) {
            of.rows.emplace_back(x.row(r).begin(), x.row(r).end());
            of.matrices.push_back(x.matrix_of(r));
        }
    });
    ASSERT_TRUE(observed) << observed.error().message;

    std::vector<int32_t> chosen(kTokens * kUsed);
    ASSERT_TRUE(executor->read(**compiled, ids, std::as_writable_bytes(std::span(chosen))));
    std::vector<float> inner(kTokens * kUsed * kInner);
    ASSERT_TRUE(executor->read(**compiled, up, std::as_writable_bytes(std::span(inner))));
    const std::vector<int64_t> matrices(chosen.begin(), chosen.end());
    EXPECT_NE(matrices, std::vector<int64_t>(matrices.size(), matrices[0])) << "the test tells nothing";
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen["router"].n_matrix, 1);
    EXPECT_EQ(seen["router"].matrices, std::vector<int64_t>(kTokens, 0));
    for (const char* name : {"up", "down"}) {
        EXPECT_EQ(seen[name].n_matrix, kExperts) << name;
        EXPECT_EQ(seen[name].matrices, matrices) << name;
        ASSERT_EQ(seen[name].rows.size(), static_cast<size_t>(kTokens * kUsed)) << name;
    }
    for (size_t r = 0; r < static_cast<size_t>(kTokens * kUsed); ++r) {
        EXPECT_EQ(seen["up"].rows[r], seen["router"].rows[r / kUsed]) << r;
        const auto first = inner.begin() + static_cast<ptrdiff_t>(r * kInner);
        EXPECT_EQ(seen["down"].rows[r], std::vector<float>(first, first + kInner)) << r;
    }
    for (size_t k = 0; k < kWidth; ++k) EXPECT_EQ(seen["router"].rows[1][k], 2 * values[kWidth + k]);
}

}  // namespace
}  // namespace krait
