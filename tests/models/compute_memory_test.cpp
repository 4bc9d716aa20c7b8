// SPDX-License-Identifier: Apache-2.0
//
// The memory of a run's values on each device, for the sizes of published models: near the largest set that lives at once, and
// small.
#include <gtest/gtest.h>

#include <random>

#include "graph/compiled.hpp"
#include "models/architectures/forward.hpp"
#include "models/architectures/mamba.hpp"
#include "models/model.hpp"

namespace krait {
namespace {

constexpr uint64_t kMiB = 1 << 20;

Architecture mamba_of(int64_t n_layer, int64_t d_model, int64_t d_state, int64_t dt_rank) {
    return make_mamba({.architecture = "mamba", .n_vocab = 50280, .d_model = d_model, .n_layer = n_layer, .tied_head = true},
                      {.d_model = d_model, .d_inner = 2 * d_model, .d_state = d_state, .d_conv = 4, .dt_rank = dt_rank});
}

graph::Graph graph_of(const Architecture& architecture, const RunShape& run) {
    WeightDescs weights;
    for (const WeightSpec& spec : architecture.weights()) weights.emplace_back(make_desc(DType::F32, spec.extents));
    auto graph = build_forward(architecture, weights, {.n_slots = 2}, run);
    EXPECT_TRUE(graph) << graph.error().message;
    return std::move(*graph);
}

// The largest arena of any device.
uint64_t expect_tight(const graph::Graph& graph, std::span<const int32_t> device) {
    uint64_t largest = 0;
    for (const graph::Subgraph& subgraph : graph::insert_copies(graph, graph::partition(graph, device)).subgraphs) {
        const graph::MemoryPlan plan = graph::plan_memory(subgraph.graph, 64, subgraph.pins);
        EXPECT_LE(static_cast<double>(plan.peak_bytes), 1.1 * static_cast<double>(plan.largest_live_bytes))
            << "device " << subgraph.device << ": " << plan.peak_bytes << " of " << plan.largest_live_bytes;
        EXPECT_GE(plan.peak_bytes, plan.largest_live_bytes);
        largest = std::max(largest, plan.peak_bytes);
    }
    return largest;
}

// One device; every cut into two; layers dealt out in turn; single nodes anywhere, as --place and declined nodes do.
uint64_t expect_tight_everywhere(const Architecture& architecture, const RunShape& run) {
    const graph::Graph graph = graph_of(architecture, run);
    std::vector<int32_t> device(graph.nodes.size(), 0);
    uint64_t largest = expect_tight(graph, device);
    const auto n_layer = static_cast<int32_t>(architecture.shape().n_layer);
    for (int32_t cut = 1; cut < n_layer; cut += 9) {
        SCOPED_TRACE(cut);
        for (size_t n = 0; n < device.size(); ++n) device[n] = graph.nodes[n].layer >= cut;
        largest = std::max(largest, expect_tight(graph, device));
    }
    for (size_t n = 0; n < device.size(); ++n)
        device[n] = graph.nodes[n].layer < 0 || graph.nodes[n].layer == graph::kHead ? 0 : graph.nodes[n].layer % 3;
    largest = std::max(largest, expect_tight(graph, device));
    std::mt19937 random(1);
    for (int i = 0; i < 10; ++i) {
        SCOPED_TRACE(i);
        for (int32_t& d : device) d = random() % 8 == 0 ? static_cast<int32_t>(random() % 3) : 0;
        largest = std::max(largest, expect_tight(graph, device));
    }
    return largest;
}

TEST(ComputeMemory, Mamba28b) {
    const Architecture mamba = mamba_of(64, 2560, 16, 160);
    const uint64_t prompt = expect_tight_everywhere(mamba, {.n_tok = 512, .n_seq = 1, .n_out = 1});
    EXPECT_LT(prompt, 110 * kMiB);
    RecordProperty("prompt_mib", std::to_string(prompt / kMiB));
    EXPECT_LT(expect_tight_everywhere(mamba, {.n_tok = 16, .n_seq = 16, .n_out = 16}), 8 * kMiB);
    EXPECT_LT(expect_tight_everywhere(mamba, {.n_tok = 1, .n_seq = 1, .n_out = 1}), kMiB);
}

TEST(ComputeMemory, SmallModels) {
    expect_tight_everywhere(mamba_of(24, 768, 16, 48), {.n_tok = 512, .n_seq = 3, .n_out = 3});
    expect_tight_everywhere(mamba_of(4, 64, 16, 4), {.n_tok = 37, .n_seq = 2, .n_out = 37});
}

}  // namespace
}  // namespace krait
