// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/commands.hpp"

namespace krait::vulkan::vk {
namespace {

constexpr VkPipelineStageFlags kWork = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kAll = kWrites | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

}  // namespace

Commands::Commands(Device& device, bool many_times) : device_(device) {
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = device.physical().compute_family;
    pool.flags = many_times ? 0 : VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    device.check(device.fn().vkCreateCommandPool(device.get(), &pool, nullptr, &pool_), "creating a command pool");
    try {
        VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
        info.commandPool = pool_;
        info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
        info.commandBufferCount = 1;
        device.check(device.fn().vkAllocateCommandBuffers(device.get(), &info, &buffer_), "creating a command buffer");
        VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
        begin.flags = many_times ? VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT : VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
        device.check(device.fn().vkBeginCommandBuffer(buffer_, &begin), "recording commands");
    } catch (...) {
        device.fn().vkDestroyCommandPool(device.get(), pool_, nullptr);
        throw;
    }
    barrier(kWork, kAll);
    n_barriers_ = 0;
}

Commands::~Commands() {
    if (pool_) device_.fn().vkDestroyCommandPool(device_.get(), pool_, nullptr);
}

Commands::Commands(Commands&& other) noexcept
    : device_(other.device_),
      pool_(std::exchange(other.pool_, VK_NULL_HANDLE)),
      buffer_(other.buffer_),
      bound_(other.bound_),
      bound_texels_(other.bound_texels_),
      hazards_(std::move(other.hazards_)),
      n_barriers_(other.n_barriers_) {}

void Commands::barrier(VkPipelineStageFlags to, VkAccessFlags access) {
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask = kWrites;
    barrier.dstAccessMask = access;
    device_.fn().vkCmdPipelineBarrier(buffer_, kWork, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    ++n_barriers_;
}

void Commands::barrier_if_needed(std::span<const AddressRange> reads, std::span<const AddressRange> writes) {
    if (hazards_.needs_barrier(reads, writes)) barrier(kWork, kAll);
}

void Commands::copy(VkBuffer src, uint64_t src_offset, uint64_t src_address, VkBuffer dst, uint64_t dst_offset,
                    uint64_t dst_address, uint64_t size) {
    if (size == 0) return;
    const AddressRange read{src_address, src_address + size}, written{dst_address, dst_address + size};
    barrier_if_needed({&read, 1}, {&written, 1});
    const VkBufferCopy region{src_offset, dst_offset, size};
    device_.fn().vkCmdCopyBuffer(buffer_, src, dst, 1, &region);
}

void Commands::dispatch(const Pipeline& pipeline, VkPipelineLayout layout, uint64_t params, std::array<uint32_t, 3> groups,
                        std::span<const AddressRange> reads, std::span<const AddressRange> writes, VkDescriptorSet texels) {
    if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) return;
    barrier_if_needed(reads, writes);
    if (bound_ != pipeline.get()) {
        bound_ = pipeline.get();
        device_.fn().vkCmdBindPipeline(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, bound_);
    }
    if (texels && bound_texels_ != texels) {
        bound_texels_ = texels;
        device_.fn().vkCmdBindDescriptorSets(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &texels, 0, nullptr);
    }
    device_.fn().vkCmdPushConstants(buffer_, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof params, &params);
    device_.fn().vkCmdDispatch(buffer_, groups[0], groups[1], groups[2]);
}

void Commands::end() {
    barrier(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    --n_barriers_;
    device_.check(device_.fn().vkEndCommandBuffer(buffer_), "recording commands");
}

}  // namespace krait::vulkan::vk
