// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/texel_sets.hpp"

namespace krait::vulkan::vk {

// Pairs of blocks of memory: a model of 1 GB has sixteen and more blocks of weights and one of values.
constexpr uint32_t kSetsPerPool = 32;

TexelSets::~TexelSets() {
    for (VkDescriptorPool pool : pools_) device_->fn().vkDestroyDescriptorPool(device_->get(), pool, nullptr);
}

TexelSets::TexelSets(TexelSets&& other) noexcept
    : device_(other.device_),
      layout_(other.layout_),
      pools_(std::exchange(other.pools_, {})),
      left_(std::exchange(other.left_, 0)),
      sets_(std::exchange(other.sets_, {})) {}

VkDescriptorSet TexelSets::get(const TexelBuffers& buffers) {
    if (const auto found = sets_.find(buffers); found != sets_.end()) return found->second;
    if (left_ == 0) {
        const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, kSetsPerPool * kTexelBuffers};
        VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
        info.maxSets = kSetsPerPool;
        info.poolSizeCount = 1;
        info.pPoolSizes = &size;
        VkDescriptorPool pool = VK_NULL_HANDLE;
        device_->check(device_->fn().vkCreateDescriptorPool(device_->get(), &info, nullptr, &pool),
                       "creating a descriptor pool");
        pools_.push_back(pool);
        left_ = kSetsPerPool;
    }
    VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    info.descriptorPool = pools_.back();
    info.descriptorSetCount = 1;
    info.pSetLayouts = &layout_;
    VkDescriptorSet set = VK_NULL_HANDLE;
    device_->check(device_->fn().vkAllocateDescriptorSets(device_->get(), &info, &set), "creating a descriptor set");
    --left_;
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    std::array<VkWriteDescriptorSet, kTexelBuffers> writes;
    for (uint32_t i = 0; i < kTexelBuffers; ++i) {
        writes[i] = write;
        writes[i].dstBinding = i;
        writes[i].pTexelBufferView = &buffers[i];
    }
    device_->fn().vkUpdateDescriptorSets(device_->get(), kTexelBuffers, writes.data(), 0, nullptr);
    sets_.emplace(buffers, set);
    return set;
}

}  // namespace krait::vulkan::vk
