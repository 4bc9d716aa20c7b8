// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/physical_device.hpp"

#include <algorithm>
#include <cstring>

namespace krait::vulkan::vk {
namespace {

// The features that subgroup shaders use.
constexpr VkSubgroupFeatureFlags kSubgroupFeatures = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT |
                                                     VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT;

// Above the rank of the CPU backend's devices, below what somebody may want to put over all.
constexpr uint32_t kRankDiscrete = 200, kRankIntegrated = 150, kRankOther = 0;

std::vector<VkExtensionProperties> extensions_of(const Instance& instance, VkPhysicalDevice handle) {
    uint32_t count = 0;
    check(instance.fn().vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr), "listing device extensions");
    std::vector<VkExtensionProperties> extensions(count);
    check(instance.fn().vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, extensions.data()),
          "listing device extensions");
    extensions.resize(count);
    return extensions;
}

// The subgroup sizes that the kernel works with.
constexpr uint32_t kMinMatrixLanes = 8, kMaxMatrixLanes = 64;

// Finds the device's shape of cooperative matrices; the extension is there. features12: what the driver offers.
void ask_for_matrices(const Instance& instance, const VkPhysicalDeviceVulkan12Features& features12, PhysicalDevice& device) {
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR has{};
    has.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    features.pNext = &has;
    instance.fn().vkGetPhysicalDeviceFeatures2(device.handle, &features);
    VkPhysicalDeviceCooperativeMatrixPropertiesKHR stages{};
    stages.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    properties.pNext = &stages;
    instance.fn().vkGetPhysicalDeviceProperties2(device.handle, &properties);
    const auto list = reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
        instance.extension_function("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
    if (!has.cooperativeMatrix || !(stages.cooperativeMatrixSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) || !list) return;

    VkCooperativeMatrixPropertiesKHR empty{};
    empty.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    uint32_t count = 0;
    check(list(device.handle, &count, nullptr), "listing cooperative matrices");
    std::vector<VkCooperativeMatrixPropertiesKHR> offered(count, empty);
    check(list(device.handle, &count, offered.data()), "listing cooperative matrices");
    offered.resize(count);
    if (!kCooperativeMatrixShaders) device.no_matrices = "built by a GLSL compiler that does not know them";
    else if (!features12.shaderFloat16 || !features12.vulkanMemoryModel)
        device.no_matrices = "no f16 or no memory model in shaders";
    else if (!device.subgroups || device.subgroup_size < kMinMatrixLanes || device.subgroup_size > kMaxMatrixLanes)
        device.no_matrices = fmt::format("no subgroups of a fixed size from {} to {}", kMinMatrixLanes, kMaxMatrixLanes);
    else if (device.matrices = choose_matrix_shape(offered, device.subgroup_size); !device.matrices)
        device.no_matrices = "none of f16 with sums in float32 that fits";
}

std::optional<uint32_t> compute_family_of(const Instance& instance, VkPhysicalDevice handle) {
    uint32_t count = 0;
    instance.fn().vkGetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    instance.fn().vkGetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
    // One with graphics too is the main queue of a device; on some, compute alone is a slower path with fewer units.
    for (const VkQueueFlags wanted : {VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT, VK_QUEUE_COMPUTE_BIT | 0})
        for (uint32_t i = 0; i < count; ++i)
            if ((families[i].queueFlags & wanted) == wanted && families[i].queueCount > 0) return i;
    return std::nullopt;
}

}  // namespace

PhysicalDevice PhysicalDevice::ask(const Instance& instance, VkPhysicalDevice handle) {
    PhysicalDevice device;
    device.handle = handle;
    instance.fn().vkGetPhysicalDeviceProperties(handle, &device.properties);
    const uint32_t version = std::min(device.properties.apiVersion, instance.api_version());  // the loader's is a limit too
    device.properties.apiVersion = version;
    if (version < VK_API_VERSION_1_2) {
        device.declined = fmt::format("its driver offers Vulkan {}.{}; 1.2 is needed", VK_API_VERSION_MAJOR(version),
                                      VK_API_VERSION_MINOR(version));
        return device;
    }
    const auto extensions = extensions_of(instance, handle);
    const auto has = [&](const char* name) {
        return std::any_of(extensions.begin(), extensions.end(),
                           [&](const auto& e) { return std::strcmp(e.extensionName, name) == 0; });
    };
    const bool core13 = version >= VK_API_VERSION_1_3;

    VkPhysicalDeviceVulkan13Properties properties13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
    VkPhysicalDeviceSubgroupSizeControlProperties size_control{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceShaderIntegerDotProductProperties dot_properties{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
    device.integer_dot_extension = !core13 && has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    device.properties11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
    device.properties12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
    properties.pNext = &device.properties11;
    device.properties11.pNext = &device.properties12;
    device.subgroup_size_extension = !core13 && has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    if (core13) device.properties12.pNext = &properties13;
    else if (device.subgroup_size_extension) device.properties12.pNext = &size_control;
    if (device.integer_dot_extension) {
        dot_properties.pNext = device.properties12.pNext;
        device.properties12.pNext = &dot_properties;
    }
    instance.fn().vkGetPhysicalDeviceProperties2(handle, &properties);
    device.properties11.pNext = device.properties12.pNext = nullptr;
    device.max_allocation = device.properties11.maxMemoryAllocationSize;
    if (core13 && properties13.maxBufferSize > 0)
        device.max_allocation = std::min(device.max_allocation, properties13.maxBufferSize);

    VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
    VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
    VkPhysicalDeviceShaderIntegerDotProductFeatures dot_features{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
    VkPhysicalDeviceSubgroupSizeControlFeatures size_features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
    features.pNext = &features11;
    features11.pNext = &features12;
    if (core13) features12.pNext = &features13;
    else if (device.integer_dot_extension) features12.pNext = &dot_features;
    if (device.subgroup_size_extension) {
        size_features.pNext = features12.pNext;
        features12.pNext = &size_features;
    }
    instance.fn().vkGetPhysicalDeviceFeatures2(handle, &features);

    device.integer_dot_offered = core13 ? features13.shaderIntegerDotProduct : dot_features.shaderIntegerDotProduct;
    device.integer_dot = device.integer_dot_offered && (core13 ? properties13.integerDotProduct4x8BitPackedSignedAccelerated
                                                               : dot_properties.integerDotProduct4x8BitPackedSignedAccelerated);
    device.memory_budget = has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    device.subgroup_size = device.properties11.subgroupSize;
    device.min_subgroup_size = device.max_subgroup_size = device.subgroup_size;
    if (core13) {  // the extension's structs are those of 1.3 in small
        size_features.subgroupSizeControl = features13.subgroupSizeControl;
        size_features.computeFullSubgroups = features13.computeFullSubgroups;
        size_control.minSubgroupSize = properties13.minSubgroupSize;
        size_control.maxSubgroupSize = properties13.maxSubgroupSize;
        size_control.maxComputeWorkgroupSubgroups = properties13.maxComputeWorkgroupSubgroups;
        size_control.requiredSubgroupSizeStages = properties13.requiredSubgroupSizeStages;
    }
    if (size_features.subgroupSizeControl && size_features.computeFullSubgroups &&
        (size_control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT)) {
        device.subgroup_size_control = true;
        device.min_subgroup_size = size_control.minSubgroupSize;
        device.max_subgroup_size = size_control.maxSubgroupSize;
        device.max_workgroup_subgroups = size_control.maxComputeWorkgroupSubgroups;
    }
    device.subgroups = device.subgroup_size_control &&
                       (device.properties11.subgroupSupportedOperations & kSubgroupFeatures) == kSubgroupFeatures &&
                       (device.properties11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT);
    if (has(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) ask_for_matrices(instance, features12, device);
    // Where all widths must be declared alike, that of float32 would have to be too.
    device.half_subnormals = device.properties12.shaderDenormPreserveFloat16 &&
                             device.properties12.denormBehaviorIndependence != VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;

    VkPhysicalDeviceMemoryProperties2 memory{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    instance.fn().vkGetPhysicalDeviceMemoryProperties2(handle, &memory);
    device.memory = memory.memoryProperties;

    const auto family = compute_family_of(instance, handle);
    device.compute_family = family.value_or(0);
    if (!family) device.declined = "it has no queue for compute shaders";
    else if (!features12.bufferDeviceAddress) device.declined = "it has no buffer device addresses";
    else if (!features12.timelineSemaphore) device.declined = "it has no timeline semaphores";
    else if (!features.features.shaderInt64) device.declined = "its shaders have no 64-bit integers";
    return device;
}

uint64_t PhysicalDevice::memory_total() const {
    uint64_t total = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) total += memory.memoryHeaps[i].size;
    return total;
}

uint64_t PhysicalDevice::memory_free(const Instance& instance) const {
    if (!memory_budget) return memory_total();
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 now{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    now.pNext = &budget;
    instance.fn().vkGetPhysicalDeviceMemoryProperties2(handle, &now);
    uint64_t free = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && budget.heapBudget[i] > budget.heapUsage[i])
            free += budget.heapBudget[i] - budget.heapUsage[i];
    return std::min(free, memory_total());
}

std::string PhysicalDevice::feature_words() const {
    std::string text = fmt::format("vulkan-{}.{} subgroup-{}", VK_API_VERSION_MAJOR(properties.apiVersion),
                                   VK_API_VERSION_MINOR(properties.apiVersion), subgroup_size);
    if (min_subgroup_size != max_subgroup_size) text += fmt::format("({}-{})", min_subgroup_size, max_subgroup_size);
    if (!subgroups) text += " no-subgroup-operations";
    if (integer_dot) text += " int8-dot";
    if (matrices) text += fmt::format(" cooperative-matrix-{}x{}x{}", matrices->m, matrices->n, matrices->k);
    else if (!no_matrices.empty()) text += fmt::format(" no-cooperative-matrix ({})", no_matrices);
    if (integer_dot_by_default()) text += " activations=int8x32";  // docs/testing.md
    text += " subnormals=any";                                     // of float32: Vulkan lets a driver take them for 0
    return text + fmt::format(" driver: {} {}", properties12.driverName, properties12.driverInfo);
}

uint32_t PhysicalDevice::auto_rank() const {
    switch (properties.deviceType) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return kRankDiscrete;
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return kRankIntegrated;
        default: return kRankOther;  // a processor behind Vulkan's interface: the cpu backend is faster
    }
}

std::vector<PhysicalDevice> usable_devices(const Instance& instance, std::string& why) {
    std::vector<PhysicalDevice> usable;
    for (VkPhysicalDevice handle : instance.physical_devices()) {
        PhysicalDevice device = PhysicalDevice::ask(instance, handle);
        if (device.declined.empty()) usable.push_back(std::move(device));
        else why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", device.properties.deviceName, device.declined);
    }
    std::stable_sort(usable.begin(), usable.end(),
                     [](const PhysicalDevice& a, const PhysicalDevice& b) { return a.auto_rank() > b.auto_rank(); });
    return usable;
}

}  // namespace krait::vulkan::vk
