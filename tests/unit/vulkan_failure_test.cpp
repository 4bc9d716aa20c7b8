// SPDX-License-Identifier: Apache-2.0
//
// Failures of the driver: submissions that it refuses, memory that is short. The plugin's classes without the
// plugin, on the first Vulkan device, with functions of the driver replaced. Skipped where there is none.
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "backends/vulkan/vulkan_device.hpp"

#include "core/ops/op_list.hpp"

namespace krait::vulkan {
namespace {

std::atomic<int> submissions_to_fail{0};  // the next ones, or those behind
std::atomic<int> submissions_before_that{0};
std::atomic<uint64_t> largest_allocation{0};  // 0 = any
std::atomic<int> allocations_until_none{-1};  // -1 = any number
std::atomic<int> allocations{0};
PFN_vkQueueSubmit real_submit;
PFN_vkAllocateMemory real_allocate;

VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t n, const VkSubmitInfo* infos, VkFence fence) {
    if (submissions_to_fail > 0 && submissions_before_that-- <= 0) return --submissions_to_fail, VK_ERROR_OUT_OF_HOST_MEMORY;
    return real_submit(queue, n, infos, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo* info,
                                        const VkAllocationCallbacks* callbacks, VkDeviceMemory* memory) {
    if (largest_allocation > 0 && info->allocationSize > largest_allocation) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (allocations_until_none == 0) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (allocations_until_none > 0) --allocations_until_none;
    ++allocations;
    return real_allocate(device, info, callbacks, memory);
}

void replace(vk::DeviceTable& table) {
    real_submit = std::exchange(table.vkQueueSubmit, submit);
    real_allocate = std::exchange(table.vkAllocateMemory, allocate);
}

class VulkanFailure : public testing::Test {
  protected:
    void SetUp() override {
        submissions_to_fail = submissions_before_that = 0;
        largest_allocation = 0;
        allocations_until_none = -1;
        DeviceOptions options;
        options.settings.staging = true;
        options.settings.replace_functions = replace;
        options.settings.validation = true;
        try {
            open(options);
        } catch (const plugin::PluginError&) {
            options.settings.validation = false;  // perhaps only the layer is missing
            try {
                open(options);
            } catch (const plugin::PluginError& e) {
                GTEST_SKIP() << e.what();
            }
        }
        first = device->create_queue();
        second = device->create_queue();
        counter = device->create_event();
        memory = device->create_buffer(KRAIT_BUFFER_DEVICE, 4096);
    }
    void TearDown() override {
        if (!device) return;
        EXPECT_NO_THROW(device->vk().ensure_healthy()) << "the validation layer has nothing to say";
    }
    void open(const DeviceOptions& options) { device = std::make_unique<VulkanDevice>(0, options); }

    // The code that call throws; ok where it throws nothing.
    static std::optional<ErrorCode> error_of(const std::function<void()>& call) {
        try {
            call();
        } catch (const plugin::PluginError& e) {
            return e.error().code;
        }
        return std::nullopt;
    }
    // Whether call returns; one that hangs is let go by `rescue`.
    static bool returns(const std::function<void()>& call, const std::function<void()>& rescue) {
        auto running = std::async(std::launch::async, call);
        const bool in_time = running.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
        if (!in_time) rescue();
        running.wait();
        return in_time;
    }
    std::unique_ptr<plugin::Buffer> upload(int64_t rows, const std::vector<float>& values) {
        const krait_use use{static_cast<uint32_t>(OpId::get_rows), 0};
        const plugin::ConstantUpload what{
            make_desc(DType::F32, {rows, 1024}), {&use, 1}, std::as_bytes(std::span(values)), false};
        return device->upload_constant(what);
    }

    std::unique_ptr<VulkanDevice> device;
    std::unique_ptr<plugin::Buffer> memory;
    std::unique_ptr<plugin::Event> counter;
    std::unique_ptr<plugin::Queue> first, second;
};

TEST_F(VulkanFailure, IsToldToAllWhoWait) {
    second->wait(*counter, 1);
    second->copy(*memory, 0, *memory, 1024, 64);
    submissions_to_fail = 1;
    first->copy(*memory, 0, *memory, 1024, 64);
    first->signal(*counter, 1);
    const auto rescue = [&] { device->create_queue()->signal(*counter, 1); };
    std::optional<ErrorCode> seen;
    EXPECT_TRUE(returns([&] { seen = error_of([&] { counter->wait(1, UINT64_MAX); }); }, rescue));
    EXPECT_EQ(seen, ErrorCode::out_of_memory);
    EXPECT_TRUE(returns([&] { seen = error_of([&] { second->sync(); }); }, rescue));
    EXPECT_EQ(seen, ErrorCode::out_of_memory);
    EXPECT_EQ(error_of([&] { first->sync(); }), ErrorCode::out_of_memory);
    EXPECT_EQ(counter->value(), 0u);
}

TEST_F(VulkanFailure, IsToldOnceAndTheQueueWorksAgain) {
    const std::vector<std::byte> bytes(64, std::byte{7});
    std::vector<std::byte> got(64);
    submissions_to_fail = 1;
    first->copy(*memory, 0, *memory, 1024, 64);
    first->signal(*counter, 1);
    first->signal(*counter, 2);  // behind what failed: does not happen
    EXPECT_EQ(error_of([&] { first->sync(); }), ErrorCode::out_of_memory);
    EXPECT_EQ(counter->value(), 0u);
    EXPECT_EQ(error_of([&] { first->sync(); }), std::nullopt);
    first->write(*memory, 0, bytes.data(), 64);
    first->read(got.data(), *memory, 0, 64);
    first->signal(*counter, 1);
    EXPECT_TRUE(counter->wait(1, UINT64_MAX));
    EXPECT_EQ(got, bytes);
}

TEST_F(VulkanFailure, LeavesTargetsOfReadsAlone) {
    std::vector<std::byte> got(64, std::byte{9});
    submissions_to_fail = 1;
    first->read(got.data(), *memory, 0, 64);
    first->signal(*counter, 1);
    EXPECT_EQ(error_of([&] { first->sync(); }), ErrorCode::out_of_memory);
    first->signal(*counter, 2);
    EXPECT_TRUE(counter->wait(2, UINT64_MAX));
    first->sync();
    EXPECT_EQ(got, std::vector<std::byte>(64, std::byte{9})) << "the caller may have given it up after the error";
}

TEST_F(VulkanFailure, ClosingWaitsForWhatTheDeviceHas) {
    const auto large = device->create_buffer(KRAIT_BUFFER_DEVICE, uint64_t{256} << 20);
    first->copy(*large, 0, *large, uint64_t{128} << 20, uint64_t{128} << 20);
    first->signal(*counter, 1);
    submissions_to_fail = 1;
    first->copy(*large, 0, *large, uint64_t{128} << 20, 64);
    first->signal(*counter, 2);
    first.reset();  // the validation layer sees what is destroyed in use
    EXPECT_EQ(counter->value(), 1u);
}

TEST_F(VulkanFailure, OfAnUploadLeavesNoCopyBehind) {
    const std::vector<float> values(24000 * 1024, 1.0f);
    for (const int allowed : {0, 1}) {  // of blocks for the weight and for staging
        allocations_until_none = allowed;
        EXPECT_EQ(error_of([&] { upload(24000, values); }), ErrorCode::out_of_memory) << allowed;
        allocations_until_none = -1;
    }
    for (const int pieces_before : {0, 1, 5}) {
        submissions_before_that = pieces_before;
        submissions_to_fail = 1;
        EXPECT_EQ(error_of([&] { upload(24000, values); }), ErrorCode::out_of_memory) << pieces_before;
    }
    EXPECT_NE(upload(24000, values), nullptr);
}

TEST_F(VulkanFailure, LittleMemoryGivesSmallerBlocks) {
    largest_allocation = uint64_t{6} << 20;
    std::vector<std::unique_ptr<plugin::Buffer>> buffers;
    for (int i = 0; i < 4; ++i) buffers.push_back(device->create_buffer(KRAIT_BUFFER_DEVICE, uint64_t{3} << 20));
    EXPECT_EQ(error_of([&] { device->create_buffer(KRAIT_BUFFER_DEVICE, uint64_t{7} << 20); }), ErrorCode::out_of_memory);
}

TEST_F(VulkanFailure, StagingIsKeptFromWeightToWeight) {
    const std::vector<float> values(12000 * 1024, 1.0f);
    std::vector<std::unique_ptr<plugin::Buffer>> weights;
    weights.push_back(upload(12000, values));
    const int before = allocations;
    for (int i = 0; i < 3; ++i) weights.push_back(upload(12000, values));
    EXPECT_EQ(allocations, before + 3) << "one for each weight, which is larger than a block";
}

}  // namespace
}  // namespace krait::vulkan
