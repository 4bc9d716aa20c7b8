// SPDX-License-Identifier: Apache-2.0
//
// A VkInstance: where the physical devices are, and, if asked for, the Khronos validation layer with a messenger that keeps
// what it says. Move-free: its address is given to the messenger.
#pragma once

#include <mutex>
#include <vector>

#include "backends/vulkan/vk/loader.hpp"

namespace krait::vulkan::vk {

class Instance {
  public:
    // Throws UNAVAILABLE with the reason: no loader, too old, no driver, and where validation is wanted, no layer.
    explicit Instance(bool validation);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    VkInstance get() const { return handle_; }
    // 1.2 or 1.3. What a device offers beyond it must not be asked for.
    uint32_t api_version() const { return api_version_; }
    const InstanceTable& fn() const { return fn_; }
    std::vector<VkPhysicalDevice> physical_devices() const;
    // A function of an extension that a device has; nullptr where neither loader nor driver know it.
    PFN_vkVoidFunction extension_function(const char* name) const;

    // The first message of the validation layer that nobody has taken yet; empty = none.
    std::string take_validation_message();

  private:
    static VkBool32 VKAPI_PTR on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                         const VkDebugUtilsMessengerCallbackDataEXT*, void* self);
    void load_functions(const Loader& loader);
    void listen(const Loader& loader, const VkDebugUtilsMessengerCreateInfoEXT& messenger);
    void destroy() noexcept;

    VkInstance handle_ = VK_NULL_HANDLE;
    uint32_t api_version_ = 0;
    InstanceTable fn_;
    PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    std::mutex mutex_;
    std::string message_;
};

}  // namespace krait::vulkan::vk
