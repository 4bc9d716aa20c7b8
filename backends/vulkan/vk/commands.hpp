// SPDX-License-Identifier: Apache-2.0
//
// A command pool with one command buffer, which is recorded once. Every recording begins with a barrier that orders it after
// all work submitted before, and ends with one that shows its results to the host. Between, barriers stand only where a step
// touches what another one wrote or reads (hazards.hpp).
// Threads: one at a time.
#pragma once

#include "backends/vulkan/vk/hazards.hpp"
#include "backends/vulkan/vk/memory.hpp"
#include "backends/vulkan/vk/pipeline.hpp"

namespace krait::vulkan::vk {

class Commands {
  public:
    // many_times: submitted again and again, also while it still runs; else once.
    Commands(Device& device, bool many_times);
    ~Commands();
    Commands(Commands&& other) noexcept;
    Commands& operator=(Commands&&) = delete;

    void copy(VkBuffer src, uint64_t src_offset, uint64_t src_address, VkBuffer dst, uint64_t dst_offset, uint64_t dst_address,
              uint64_t size);
    void copy(const Memory& src, uint64_t src_offset, const Memory& dst, uint64_t dst_offset, uint64_t size) {
        copy(src.buffer(), src.offset() + src_offset, src.address() + src_offset, dst.buffer(), dst.offset() + dst_offset,
             dst.address() + dst_offset, size);
    }
    // params: address of the parameters, the shader's push constant.
    void dispatch(const Pipeline& pipeline, VkPipelineLayout layout, uint64_t params, std::array<uint32_t, 3> groups,
                  std::span<const AddressRange> reads, std::span<const AddressRange> writes,
                  VkDescriptorSet texels = VK_NULL_HANDLE);
    void end();

    VkCommandBuffer get() const { return buffer_; }
    uint32_t n_barriers() const { return n_barriers_; }  // without those at the start and at the end

  private:
    void barrier(VkPipelineStageFlags to, VkAccessFlags access);
    void barrier_if_needed(std::span<const AddressRange> reads, std::span<const AddressRange> writes);

    Device& device_;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer buffer_ = VK_NULL_HANDLE;
    VkPipeline bound_ = VK_NULL_HANDLE;
    VkDescriptorSet bound_texels_ = VK_NULL_HANDLE;
    HazardTracker hazards_;
    uint32_t n_barriers_ = 0;
};

}  // namespace krait::vulkan::vk
