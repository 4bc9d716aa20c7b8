// SPDX-License-Identifier: Apache-2.0
//
// The descriptor sets of a program whose shaders read texel buffers, one for each pair of buffers. Sets live as long as this.
// Threads: one at a time.
#pragma once

#include <array>
#include <map>

#include "backends/vulkan/vk/pipeline.hpp"

namespace krait::vulkan::vk {

using TexelBuffers = std::array<VkBufferView, kTexelBuffers>;

class TexelSets {
  public:
    TexelSets(Device& device, VkDescriptorSetLayout layout) : device_(&device), layout_(layout) {}
    ~TexelSets();
    TexelSets(TexelSets&& other) noexcept;
    TexelSets& operator=(TexelSets&&) = delete;
    VkDescriptorSet get(const TexelBuffers& buffers);

  private:
    Device* device_;
    VkDescriptorSetLayout layout_;
    std::vector<VkDescriptorPool> pools_;
    uint32_t left_ = 0;  // sets that the last pool still has
    std::map<TexelBuffers, VkDescriptorSet> sets_;
};

}  // namespace krait::vulkan::vk
