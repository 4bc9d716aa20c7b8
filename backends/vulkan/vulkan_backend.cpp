// SPDX-License-Identifier: Apache-2.0
//
// The family "vulkan": one device for each physical device that the backend can use.
#include "backends/vulkan/vulkan_device.hpp"

namespace krait::vulkan {
namespace {

using plugin::OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"subgroups", "on or off: shaders with subgroup operations, where the device has them"},
    {"subgroup_size", "lanes of a subgroup, where the device lets them be chosen"},
    {"integer_dot", "on or off: quantized products by integer dot products, of activations rounded to 8 bits"},
    {"cooperative_matrix", "on or off: products of many rows by cooperative matrices of f16, without loss"},
    {"gpu_kernels", "on or off: kernels for GPUs, which they always get, on processors too"},
    {"staging", "on or off: the host does not see device memory, as on most cards, even where it could"},
    {"validation", "on or off: the Khronos validation layer; what it finds makes the next call fail"},
    {"cache", "on, off, or a folder without ':': where compiled shaders are kept"},
};

// Asked each time: drivers come and go rarely, but memory_free changes.
std::vector<vk::PhysicalDevice> list_devices(std::string& why, vk::Instance& instance) {
    std::vector<vk::PhysicalDevice> devices = vk::usable_devices(instance, why);
    if (devices.empty() && why.empty()) why = "no Vulkan driver offers a device";
    return devices;
}

uint32_t device_count() {
    static const uint32_t count = [] {
        try {
            vk::Instance instance(false);
            std::string why;
            return static_cast<uint32_t>(list_devices(why, instance).size());
        } catch (const plugin::PluginError&) {  // score says why
            return uint32_t{0};
        }
    }();
    return count;
}

uint32_t score(std::string& why) {
    if (device_count() > 0) return 1;
    try {
        vk::Instance instance(false);
        list_devices(why, instance);
    } catch (const plugin::PluginError& e) {
        why = e.error().message;
    }
    return 0;
}

void device_info(uint32_t index, krait_device_info& info) {
    vk::Instance instance(false);
    std::string why;
    const auto devices = list_devices(why, instance);
    if (index >= devices.size()) plugin::throw_error(ErrorCode::unavailable, "Vulkan device {} is gone; {}", index, why);
    const vk::PhysicalDevice& device = devices[index];
    switch (device.properties.deviceType) {
        case VK_PHYSICAL_DEVICE_TYPE_CPU: info.kind = KRAIT_DEVICE_EMULATED; break;
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: info.kind = KRAIT_DEVICE_INTEGRATED_GPU; break;
        default: info.kind = KRAIT_DEVICE_GPU; break;
    }
    plugin::set_text(info.name, device.properties.deviceName);
    plugin::set_text(info.features, device.feature_words());
    info.memory_total = device.memory_total();
    info.memory_free = device.memory_free(instance);
    info.alignment = vk::Allocator::kAlignment;
    info.auto_rank = device.auto_rank();
}

std::unique_ptr<plugin::Device> device_open(uint32_t index, const plugin::OpenParams& params) {
    const plugin::Options options(params.options, kOptions);
    DeviceOptions chosen;
    chosen.settings.subgroups = options.boolean("subgroups").value_or(true);
    chosen.settings.subgroup_size = static_cast<uint32_t>(options.integer("subgroup_size", 1, 1024).value_or(0));
    chosen.settings.integer_dot = options.boolean("integer_dot");
    chosen.settings.cooperative_matrix = options.boolean("cooperative_matrix");
    chosen.settings.gpu_kernels = options.boolean("gpu_kernels").value_or(false);
    chosen.settings.staging = options.boolean("staging").value_or(false);
    chosen.settings.validation = options.boolean("validation").value_or(false);
    const std::string cache(options.text("cache").value_or("on"));
    if (cache == "on") chosen.cache_directory = plugin::host_cache_directory();
    else if (cache != "off") chosen.cache_directory = cache;
    return std::make_unique<VulkanDevice>(index, chosen);
}

constexpr plugin::PluginInfo kInfo{"vulkan", "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

}  // namespace
}  // namespace krait::vulkan

KRAIT_DEFINE_PLUGIN(krait::vulkan::kInfo)
