// SPDX-License-Identifier: Apache-2.0
//
// More work groups than one dimension of a grid holds, in the kernel whose grid has three: ssm_conv with more sequences than a
// dimension has places (65,535 where Vulkan guarantees no more). All are empty but the last. Skipped where there is no driver.
#include <gtest/gtest.h>

#include "core/ops/op_list.hpp"
#include "core/runtime/device.hpp"

namespace krait {
namespace {

class VulkanGrid : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        const auto plugin = PluginRegistry::instance().find("vulkan");
        if (!plugin || (*plugin)->api().device_count() == 0) GTEST_SKIP() << "no Vulkan device";
    }
};

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

TEST_P(VulkanGrid, MoreSequencesThanADimensionHolds) {
    constexpr int32_t kSequences = 70000, kRows = 3, kChannels = 2;
    const auto device = *Device::open(GetParam());
    const std::vector<float> x{1, 2, 3, 4, 5, 6}, w{10, 1, 20, 2};  // [row, channel], [channel, tap]
    std::vector<int32_t> start(kSequences + 1), none(kSequences, -1);
    start.back() = kRows;

    const TensorDesc rows = make_desc(DType::F32, {kRows, kChannels}), taps = make_desc(DType::F32, {kChannels, 2}),
                     slots = make_desc(DType::I32, {kSequences}), starts = make_desc(DType::I32, {kSequences + 1});
    const krait_use use{static_cast<uint32_t>(OpId::ssm_conv), 1};
    const Buffer weight = std::move(*device->upload_constant(taps, {&use, 1}, bytes_of(w)));
    const krait_use state{use.op, static_cast<uint32_t>(find_state(ops::SsmConv::kIn))};
    const Buffer pool = std::move(*device->create_memory(make_desc(DType::F32, {1, 1, kChannels}), {&state, 1}));
    constexpr uint64_t kX = 0, kY = 256, kNone = 512, kStart = kNone + 4 * (kSequences + 64) / 256 * 256;
    const Buffer arena = std::move(*device->create_buffer(KRAIT_BUFFER_DEVICE, kStart + 4 * (kSequences + 1)));

    const auto value = [&](const TensorDesc& desc, uint64_t offset, const char* name) {
        return krait_graph_tensor{desc, KRAIT_TENSOR_VALUE, -1, arena.get(), offset, name};
    };
    const krait_graph_tensor tensors[] = {
        value(rows, kX, "x"),
        {taps, KRAIT_TENSOR_CONSTANT, -1, weight.get(), 0, "w"},
        {make_desc(DType::F32, {1, 1, kChannels}), KRAIT_TENSOR_MEMORY, -1, pool.get(), 0, "state"},
        value(starts, kStart, "seq_start"),
        value(slots, kNone, "slots"),
        value(rows, kY, "y")};
    const ops::SsmConv::Params params{ops::Activation::none};
    krait_graph_node node{};
    node.op = use.op;
    std::fill(std::begin(node.in), std::end(node.in), -1);
    std::fill(std::begin(node.out), std::end(node.out), -1);
    const ops::SsmConv::In<int32_t> in{
        .x = 0, .w = 1, .bias = -1, .state = 2, .seq_start = 3, .src_slot = 4, .dst_slot = 4, .snapshots = -1};
    std::memcpy(node.in, &in, sizeof in);
    node.out[0] = 5;
    node.params_size = sizeof params;
    node.params = &params;
    node.name = "conv";
    const krait_graph graph{
        .struct_size = sizeof graph, .n_tensors = std::size(tensors), .tensors = tensors, .n_nodes = 1, .nodes = &node};
    ASSERT_FALSE(device->declines(graph, 0));
    const auto program = device->create_program(graph);
    ASSERT_TRUE(program) << program.error().message;

    Queue queue = std::move(*device->create_queue());
    std::vector<float> y(kRows * kChannels);
    ASSERT_TRUE(queue.write(arena, kX, bytes_of(x)));
    ASSERT_TRUE(queue.write(arena, kNone, bytes_of(none)));
    ASSERT_TRUE(queue.write(arena, kStart, bytes_of(start)));
    ASSERT_TRUE(queue.run(*program));
    ASSERT_TRUE(queue.read(std::as_writable_bytes(std::span(y)), arena, kY));
    ASSERT_TRUE(queue.sync());
    EXPECT_EQ(y, (std::vector<float>{1, 4, 10 + 3, 40 + 8, 30 + 5, 80 + 12}));
}

INSTANTIATE_TEST_SUITE_P(Kernels, VulkanGrid, testing::Values("vulkan0:cache=off", "vulkan0:gpu_kernels=on:cache=off"),
                         [](const auto& param) { return std::string(param.index == 0 ? "own" : "gpu"); });

}  // namespace
}  // namespace krait
