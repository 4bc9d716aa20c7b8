// SPDX-License-Identifier: Apache-2.0
//
// Compute pipelines: made from a shader and its specialization constants when first wanted, then kept as long as the device.
// All share one layout: an address as push constant, and where the device wants texel loads a descriptor set with two texel
// buffers (texel_sets.hpp) for the shaders that have them; no other descriptors.
#pragma once

#include <map>

#include "backends/vulkan/vk/pipeline_cache.hpp"
#include "backends/vulkan/vk/shader.hpp"

namespace krait::vulkan::vk {

inline constexpr uint32_t kTexelBuffers = 2;

class Pipeline {
  public:
    // trusts_halves: f16 subnormals survive, though the device does not promise it.
    Pipeline(Device& device, VkPipelineCache cache, VkPipelineLayout layout, const Shader& shader,
             std::span<const uint32_t> constants, bool trusts_halves);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;
    VkPipeline get() const { return handle_; }

  private:
    Device& device_;
    VkPipeline handle_ = VK_NULL_HANDLE;
};

// Threads: any.
class Pipelines {
  public:
    Pipelines(Device& device, const std::filesystem::path& cache_directory);
    ~Pipelines();
    Pipelines(const Pipelines&) = delete;
    Pipelines& operator=(const Pipelines&) = delete;

    VkPipelineLayout layout() const { return layout_; }
    VkDescriptorSetLayout texels() const { return texels_; }  // none where the device has no use for texel loads
    // Pipelines made from now on leave f16 subnormals to the device.
    void trust_halves() { trusts_halves_ = true; }
    // constants[i] has constant_id i; constants[0] is the size of the work group.
    const Pipeline& get(const Shader& shader, std::span<const uint32_t> constants);

  private:
    using Key = std::pair<const Shader*, std::vector<uint32_t>>;
    Device& device_;
    PipelineCache cache_;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout texels_ = VK_NULL_HANDLE;
    bool trusts_halves_ = false;
    std::mutex mutex_;
    std::map<Key, std::unique_ptr<Pipeline>> pipelines_;
};

}  // namespace krait::vulkan::vk
