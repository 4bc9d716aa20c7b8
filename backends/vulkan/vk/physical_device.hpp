// SPDX-License-Identifier: Apache-2.0
//
// A physical device: its properties and features, asked once; and whether this backend can use it.
#pragma once

#include <optional>

#include "backends/vulkan/vk/cooperative_matrix.hpp"
#include "backends/vulkan/vk/instance.hpp"

namespace krait::vulkan::vk {

struct PhysicalDevice {
    VkPhysicalDevice handle = VK_NULL_HANDLE;
    VkPhysicalDeviceProperties properties{};
    VkPhysicalDeviceVulkan11Properties properties11{};
    VkPhysicalDeviceVulkan12Properties properties12{};
    VkPhysicalDeviceMemoryProperties memory{};
    uint32_t compute_family = 0;
    uint64_t max_allocation = 0;  // bytes of one allocation, and of one buffer

    // Features that are used where they are offered.
    bool integer_dot = false;             // VK_KHR_shader_integer_dot_product, and 4 x 8 bits packed are accelerated
    bool integer_dot_offered = false;     // it is there, accelerated or not
    bool integer_dot_extension = false;   // as an extension, not as a part of Vulkan 1.3
    std::optional<MatrixShape> matrices;  // cooperative matrices, of this shape
    std::string no_matrices;              // why there are none, where a driver has the extension and this backend no use for it
    bool memory_budget = false;
    bool half_subnormals = false;  // shaders may declare that they keep them (float_controls.hpp)
    // Basic, arithmetic, shuffle and shuffle_relative in compute shaders, of a size that can be fixed and in full subgroups:
    // the lanes that a shader counts on are there.
    bool subgroups = false;
    uint32_t subgroup_size = 0;
    uint32_t min_subgroup_size = 0;  // equal to subgroup_size where it cannot be chosen
    uint32_t max_subgroup_size = 0;
    uint32_t max_workgroup_subgroups = 0;  // where a size is required
    bool subgroup_size_control = false;
    bool subgroup_size_extension = false;  // by VK_EXT_subgroup_size_control, before Vulkan 1.3

    // Why this backend cannot use it; empty = it can.
    std::string declined;

    static PhysicalDevice ask(const Instance& instance, VkPhysicalDevice handle);

    bool is_cpu() const { return properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU; }
    // On a processor float32 kernels that know it are better.
    bool integer_dot_by_default() const { return integer_dot && !is_cpu(); }
    bool matrices_by_default() const { return matrices && !is_cpu(); }
    uint64_t memory_total() const;                         // of device-local heaps
    uint64_t memory_free(const Instance& instance) const;  // by VK_EXT_memory_budget; else memory_total()
    std::string feature_words() const;                     // for people
    uint32_t auto_rank() const;                            // krait_device_info.auto_rank
};

// Those of a machine that the backend can use, best kind first; `why` gets the reasons of the others.
std::vector<PhysicalDevice> usable_devices(const Instance& instance, std::string& why);

}  // namespace krait::vulkan::vk
