// SPDX-License-Identifier: Apache-2.0
//
// Random graphs of elementwise nodes over tensors of different widths, with views and outputs along the way.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "graph/builder.hpp"

namespace krait::graph::test {

inline Graph random_graph(uint32_t seed, int n_node = 40) {
    std::mt19937 random(seed);
    const auto below = [&](size_t n) { return static_cast<int64_t>(random() % n); };
    GraphBuilder b;
    std::vector<TensorId> pool;
    for (int i = 0; i < 3; ++i)
        pool.push_back(b.input("in" + std::to_string(i), make_desc(DType::F32, {1 + below(4), 8 + below(200)})));
    for (int n = 0; n < n_node; ++n) {
        const TensorId x = pool[static_cast<size_t>(below(pool.size()))];
        const int64_t width = b.desc(x).extent[1];
        const std::string name = "n" + std::to_string(n);
        TensorId y = kNoTensor;
        b.layer(n / 10);
        if (below(3) == 0 && width > 2) {
            y = b.op<ops::Scale>(name, {.x = b.columns(name + ".view", x, 1, width - 1)}).y;
        } else if (below(3) == 0) {
            y = b.op<ops::Add>(name, {.a = x, .b = x}).y;
        } else {
            y = b.op<ops::Softmax>(name, {.x = x}).y;
        }
        if (below(8) == 0) b.output(y);
        pool.push_back(y);
        if (pool.size() > 5) pool.erase(pool.begin() + below(pool.size()));
    }
    b.output(b.op<ops::Scale>("last", {.x = pool.back()}).y);
    auto graph = std::move(b).finish();
    EXPECT_TRUE(graph) << graph.error().message;
    return std::move(*graph);
}

inline std::vector<int32_t> random_devices(const Graph& graph, uint32_t seed, int32_t n_device) {
    std::mt19937 random(seed);
    std::vector<int32_t> device(graph.nodes.size());
    for (int32_t& d : device) d = static_cast<int32_t>(random() % static_cast<uint32_t>(n_device));
    return device;
}

}  // namespace krait::graph::test
