// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/pipeline.hpp"

#include "backends/vulkan/vk/float_controls.hpp"

namespace krait::vulkan::vk {
namespace {

class ShaderModule {
  public:
    ShaderModule(Device& device, std::span<const uint32_t> words) : device_(device) {
        VkShaderModuleCreateInfo info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
        info.codeSize = words.size_bytes();
        info.pCode = words.data();
        device.check(device.fn().vkCreateShaderModule(device.get(), &info, nullptr, &handle_), "loading a shader");
    }
    ~ShaderModule() { device_.fn().vkDestroyShaderModule(device_.get(), handle_, nullptr); }
    ShaderModule(const ShaderModule&) = delete;
    ShaderModule& operator=(const ShaderModule&) = delete;
    VkShaderModule get() const { return handle_; }

  private:
    Device& device_;
    VkShaderModule handle_ = VK_NULL_HANDLE;
};

}  // namespace

Pipeline::Pipeline(Device& device, VkPipelineCache cache, VkPipelineLayout layout, const Shader& shader,
                   std::span<const uint32_t> constants, bool trusts_halves)
    : device_(device) {
    const bool with_subgroups = device.subgroups() && !shader.subgroups.empty();
    const std::span<const uint32_t> words = with_subgroups ? shader.subgroups : shader.plain;
    const bool promised = device.physical().half_subnormals;
    const ShaderModule module(device, promised ? with_half_subnormals(words) : std::vector(words.begin(), words.end()));
    std::vector<uint32_t> values(constants.begin(), constants.end());
    std::vector<VkSpecializationMapEntry> entries;
    for (uint32_t i = 0; i < values.size(); ++i) entries.push_back({i, i * 4, 4});
    entries.push_back({kKeepsHalvesConstant, static_cast<uint32_t>(values.size()) * 4, 4});
    values.push_back(promised || trusts_halves);
    VkSpecializationInfo specialization{};
    specialization.mapEntryCount = static_cast<uint32_t>(entries.size());
    specialization.pMapEntries = entries.data();
    specialization.dataSize = values.size() * sizeof(uint32_t);
    specialization.pData = values.data();
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required{
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO};
    required.requiredSubgroupSize = device.subgroup_size();

    VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module.get();
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &specialization;
    if (with_subgroups && device.subgroup_size_is_required()) info.stage.pNext = &required;
    // Else a driver may run fewer lanes in a subgroup than gl_SubgroupSize says.
    if (with_subgroups && constants[0] % device.subgroup_size() == 0)
        info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    info.layout = layout;
    device.check(device.fn().vkCreateComputePipelines(device.get(), cache, 1, &info, nullptr, &handle_),
                 fmt::format("compiling the shader {}", shader.name));
}

Pipeline::~Pipeline() { device_.fn().vkDestroyPipeline(device_.get(), handle_, nullptr); }

Pipelines::Pipelines(Device& device, const std::filesystem::path& cache_directory)
    : device_(device), cache_(device, cache_directory) {
    VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(uint64_t)};
    VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    if (device.texel_loads()) {
        VkDescriptorSetLayoutBinding bindings[kTexelBuffers]{};
        for (uint32_t i = 0; i < kTexelBuffers; ++i)
            bindings[i] = {i, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
        VkDescriptorSetLayoutCreateInfo set{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
        set.bindingCount = kTexelBuffers;
        set.pBindings = bindings;
        device.check(device.fn().vkCreateDescriptorSetLayout(device.get(), &set, nullptr, &texels_), "creating a set layout");
        info.setLayoutCount = 1;
        info.pSetLayouts = &texels_;
    }
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &range;
    const VkResult result = device.fn().vkCreatePipelineLayout(device.get(), &info, nullptr, &layout_);
    if (result != VK_SUCCESS && texels_) device.fn().vkDestroyDescriptorSetLayout(device.get(), texels_, nullptr);
    device.check(result, "creating a pipeline layout");
}

Pipelines::~Pipelines() {
    pipelines_.clear();
    device_.fn().vkDestroyPipelineLayout(device_.get(), layout_, nullptr);
    if (texels_) device_.fn().vkDestroyDescriptorSetLayout(device_.get(), texels_, nullptr);
}

const Pipeline& Pipelines::get(const Shader& shader, std::span<const uint32_t> constants) {
    Key key(&shader, std::vector<uint32_t>(constants.begin(), constants.end()));
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = pipelines_.find(key); found != pipelines_.end()) return *found->second;
    }
    // Compiled outside the lock: it takes long, and two threads that want the same one are rare.
    auto made = std::make_unique<Pipeline>(device_, cache_.get(), layout_, shader, constants, trusts_halves_);
    const std::lock_guard lock(mutex_);
    return *pipelines_.try_emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace krait::vulkan::vk
