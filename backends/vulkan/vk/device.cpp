// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/device.hpp"

#include <algorithm>
#include <bit>

namespace krait::vulkan::vk {

Device::Device(uint32_t index, const DeviceSettings& settings) : instance_(settings.validation) {
    std::string why;
    std::vector<PhysicalDevice> usable = usable_devices(instance_, why);
    if (index >= usable.size())
        plugin::throw_error(ErrorCode::unavailable, "there is no Vulkan device {} any more{}{}", index, why.empty() ? "" : "; ",
                            why);
    physical_ = std::move(usable[index]);
    subgroups_ = physical_.subgroups && settings.subgroups;
    gpu_kernels_ = settings.gpu_kernels;
    staging_ = settings.staging;
    subgroup_size_ = subgroups_ ? physical_.subgroup_size : 1;
    integer_dot_ = settings.integer_dot.value_or(physical_.integer_dot_by_default());
    if (integer_dot_ && !physical_.integer_dot_offered)
        plugin::throw_error(ErrorCode::unsupported, "integer_dot=on: this device has no integer dot product");
    if (settings.subgroup_size != 0) {
        const uint32_t size = settings.subgroup_size;
        if (!subgroups_)
            plugin::throw_error(ErrorCode::invalid_argument, "subgroup_size={} needs subgroups, which are off", size);
        if (!std::has_single_bit(size) || size < physical_.min_subgroup_size || size > physical_.max_subgroup_size)
            plugin::throw_error(ErrorCode::unsupported, "subgroup_size={}: this device has powers of two from {} to {}", size,
                                physical_.min_subgroup_size, physical_.max_subgroup_size);
        subgroup_size_ = size;
    }
    // Where a driver may choose among sizes it would choose for each pipeline; shaders are told one size, so it is fixed.
    require_subgroup_size_ = subgroups_ && physical_.min_subgroup_size != physical_.max_subgroup_size;
    if (max_lanes() < kMinLanes) {
        if (settings.subgroup_size != 0)
            plugin::throw_error(ErrorCode::unsupported, "subgroup_size={}: this device has at most {} of them in a work group",
                                subgroup_size_, physical_.max_workgroup_subgroups);
        subgroups_ = require_subgroup_size_ = false;
        subgroup_size_ = 1;
    }
    // The kernel works with the sizes that the device was asked for; another one that somebody chose may be none of these.
    const bool can = subgroups_ && physical_.matrices && subgroup_size_ == physical_.subgroup_size;
    if (settings.cooperative_matrix == true && !can)
        plugin::throw_error(ErrorCode::unsupported, "cooperative_matrix=on: {}", why_no_matrices());
    if (can && settings.cooperative_matrix.value_or(physical_.matrices_by_default())) matrices_ = physical_.matrices;
    create(settings);
}

std::string Device::why_no_matrices() const {
    if (physical_.matrices) return "it needs subgroups of the device's own size";
    if (physical_.no_matrices.empty()) return "this device has no cooperative matrices";
    return fmt::format("cooperative matrices of this device cannot be used ({})", physical_.no_matrices);
}

uint32_t Device::max_lanes() const {
    const VkPhysicalDeviceLimits& limits = physical_.properties.limits;
    const uint32_t max_lanes = std::min(limits.maxComputeWorkGroupInvocations, limits.maxComputeWorkGroupSize[0]);
    return require_subgroup_size_ ? std::min(max_lanes, subgroup_size_ * physical_.max_workgroup_subgroups) : max_lanes;
}

void Device::create(const DeviceSettings& settings) {
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueFamilyIndex = physical_.compute_family;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;

    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
                                                             nullptr, VK_TRUE, VK_TRUE};
    features.pNext = &features12;
    features.features.shaderInt64 = VK_TRUE;
    features12.bufferDeviceAddress = VK_TRUE;
    features12.timelineSemaphore = VK_TRUE;
    if (physical_.properties.apiVersion >= VK_API_VERSION_1_3) {
        features12.pNext = &features13;
        features13.subgroupSizeControl = physical_.subgroup_size_control;
        features13.computeFullSubgroups = physical_.subgroup_size_control;
        features13.shaderIntegerDotProduct = integer_dot_;
    }
    std::vector<const char*> extensions;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix_features{};
    if (matrices_) {
        features12.shaderFloat16 = VK_TRUE;
        features12.vulkanMemoryModel = VK_TRUE;  // of such shaders
        matrix_features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
        matrix_features.cooperativeMatrix = VK_TRUE;
        features.pNext = &matrix_features;
        matrix_features.pNext = &features12;
        extensions.push_back(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
    }
    VkPhysicalDeviceShaderIntegerDotProductFeatures dot_features{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
    if (integer_dot_ && physical_.integer_dot_extension) {
        features12.pNext = &dot_features;
        dot_features.shaderIntegerDotProduct = VK_TRUE;
        extensions.push_back(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    }
    if (physical_.subgroup_size_extension && physical_.subgroup_size_control) {
        size_control.pNext = features12.pNext;
        features12.pNext = &size_control;
        extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    }
    if (physical_.memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);

    VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    info.pNext = &features;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    const VkResult result = instance_.fn().vkCreateDevice(physical_.handle, &info, nullptr, &handle_);
    if (result == VK_ERROR_INITIALIZATION_FAILED || result == VK_ERROR_DEVICE_LOST)
        plugin::throw_error(ErrorCode::unavailable, "{} cannot be opened: {}", physical_.properties.deviceName,
                            result_name(result));
    vk::check(result, "opening the Vulkan device");
    const char* missing = nullptr;
#define KRAIT_VK_DEVICE(name)                                                                    \
    fn_.name = reinterpret_cast<PFN_##name>(instance_.fn().vkGetDeviceProcAddr(handle_, #name)); \
    if (!fn_.name) missing = #name;
#include "backends/vulkan/vk/functions.def"
    if (missing) {
        if (fn_.vkDestroyDevice) fn_.vkDestroyDevice(handle_, nullptr);
        plugin::throw_error(ErrorCode::unavailable, "the driver has no {}", missing);
    }
    if (settings.replace_functions) settings.replace_functions(fn_);
    fn_.vkGetDeviceQueue(handle_, physical_.compute_family, 0, &queue_);
}

Device::~Device() {
    if (!handle_) return;
    fn_.vkDeviceWaitIdle(handle_);
    fn_.vkDestroyDevice(handle_, nullptr);
}

void Device::ensure_healthy() {
    if (lost_) plugin::throw_error(ErrorCode::device_lost, "the device was lost; open it again, or use another one");
    if (const std::string message = instance_.take_validation_message(); !message.empty())
        plugin::throw_error(ErrorCode::internal, "Vulkan validation: {}", message);
}

void Device::check(VkResult result, std::string_view what) {
    if (result == VK_ERROR_DEVICE_LOST) lost_ = true;
    vk::check(result, what);
}

void Device::submit(const VkSubmitInfo& info) {
    const std::lock_guard lock(queue_mutex_);
    check(fn_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE), "submitting work");
}

}  // namespace krait::vulkan::vk
