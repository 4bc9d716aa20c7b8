// SPDX-License-Identifier: Apache-2.0
//
// A driver that computes on the processor ends long loops in the middle: what would need them is declined. Skipped where there
// is no such driver.
#include <gtest/gtest.h>

#include "graph/builder.hpp"
#include "graph/lower.hpp"

namespace krait {
namespace {

std::optional<Error> why_declined(const Device& device, int64_t n_row, int64_t d_state, int64_t n_snapshot) {
    graph::GraphBuilder b;
    const auto floats = [&](const char* name, std::vector<int64_t> extents) {
        return b.input(name, make_desc(DType::F32, extents));
    };
    const auto indices = [&](const char* name, std::vector<int64_t> extents) {
        return b.input(name, make_desc(DType::I32, extents));
    };
    graph::TensorId snapshots = graph::kNoTensor;
    if (n_snapshot > 0) snapshots = indices("snapshots", {n_snapshot, 2});
    b.output(b.op<ops::SsmScan>("scan", {.x = floats("x", {n_row, 8, 1}),
                                         .dt = floats("dt", {n_row, 8}),
                                         .A = b.constant("A", make_desc(DType::F32, {8, d_state}), nullptr),
                                         .B = floats("B", {n_row, 1, d_state}),
                                         .C = floats("C", {n_row, 1, d_state}),
                                         .state = b.memory("state", make_desc(DType::F32, {4, 8, 1, d_state}), nullptr),
                                         .seq_start = indices("seq_start", {2}),
                                         .src_slot = indices("src_slot", {1}),
                                         .dst_slot = indices("dst_slot", {1}),
                                         .snapshots = snapshots})
                 .y);
    const auto graph = std::move(b).finish();
    EXPECT_TRUE(graph) << graph.error().message;
    const graph::LoweredGraph lowered(*graph);
    return device.declines(lowered.get(), 0);
}

TEST(VulkanTurns, LongScansAreDeclinedByProcessors) {
    const auto plugin = PluginRegistry::instance().find("vulkan");
    if (!plugin || (*plugin)->api().device_count() == 0) GTEST_SKIP() << "no Vulkan device";
    const auto device = Device::open("vulkan0:cache=off");
    ASSERT_TRUE(device) << device.error().message;
    if ((*device)->info().kind != KRAIT_DEVICE_EMULATED) GTEST_SKIP() << "no driver that computes on the processor";
    EXPECT_FALSE(why_declined(**device, 60000, 16, 0));
    EXPECT_FALSE(why_declined(**device, 512, 128, 8));
    for (const auto& why :
         {why_declined(**device, 70000, 16, 0), why_declined(**device, 10000, 128, 0), why_declined(**device, 512, 16, 200)}) {
        ASSERT_TRUE(why);
        EXPECT_NE(why->message.find("65535 turns; let a run have fewer rows"), std::string::npos) << why->message;
    }
}

}  // namespace
}  // namespace krait
