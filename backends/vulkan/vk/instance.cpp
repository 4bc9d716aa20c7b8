// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/instance.hpp"

#include <algorithm>
#include <cstring>

namespace krait::vulkan::vk {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

void require_validation_layer(const Loader& loader) {
    uint32_t count = 0;
    check(loader.vkEnumerateInstanceLayerProperties(&count, nullptr), "listing the Vulkan layers");
    std::vector<VkLayerProperties> layers(count);
    check(loader.vkEnumerateInstanceLayerProperties(&count, layers.data()), "listing the Vulkan layers");
    const bool there = std::any_of(layers.begin(), layers.end(),
                                   [](const auto& l) { return std::strcmp(l.layerName, kValidationLayer) == 0; });
    if (!there)
        plugin::throw_error(ErrorCode::unavailable, "validation=on needs the layer {}, which is not installed (Debian: {})",
                            kValidationLayer, "vulkan-validationlayers");
}

}  // namespace

Instance::Instance(bool validation) {
    std::string why;
    const Loader* loader = Loader::get(why);
    if (!loader) plugin::throw_error(ErrorCode::unavailable, "{}", why);
    uint32_t version = 0;
    check(loader->vkEnumerateInstanceVersion(&version), "asking the Vulkan loader for its version");
    if (version < VK_API_VERSION_1_2)
        plugin::throw_error(ErrorCode::unavailable, "the Vulkan loader is of version {}.{}; 1.2 is needed",
                            VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
    if (validation) require_validation_layer(*loader);

    VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.pApplicationName = "Krait";
    application.pEngineName = "Krait";
    application.apiVersion = std::min(version, VK_API_VERSION_1_3);
    VkDebugUtilsMessengerCreateInfoEXT messenger{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    messenger.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
    messenger.pfnUserCallback = &Instance::on_message;
    messenger.pUserData = this;
    const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    // Synchronization too: hazards of copies. It does not see what shaders read and write by address; tests count those
    // barriers.
    const VkValidationFeatureEnableEXT enabled[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
    features.enabledValidationFeatureCount = 1;
    features.pEnabledValidationFeatures = enabled;
    features.pNext = &messenger;
    VkInstanceCreateInfo create{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    create.pApplicationInfo = &application;
    if (validation) {
        create.pNext = &features;
        create.enabledLayerCount = 1;
        create.ppEnabledLayerNames = &kValidationLayer;
        create.enabledExtensionCount = 1;
        create.ppEnabledExtensionNames = &extension;
    }
    const VkResult result = loader->vkCreateInstance(&create, nullptr, &handle_);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        plugin::throw_error(ErrorCode::unavailable, "there is a Vulkan loader, but no driver that it can use");
    check(result, "creating a Vulkan instance");
    api_version_ = application.apiVersion;
    try {
        load_functions(*loader);
        if (validation) listen(*loader, messenger);
    } catch (...) {
        destroy();
        throw;
    }
}

void Instance::listen(const Loader& loader, const VkDebugUtilsMessengerCreateInfoEXT& messenger) {
    const auto create_messenger = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        loader.vkGetInstanceProcAddr(handle_, "vkCreateDebugUtilsMessengerEXT"));
    destroy_messenger_ = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        loader.vkGetInstanceProcAddr(handle_, "vkDestroyDebugUtilsMessengerEXT"));
    if (create_messenger)
        check(create_messenger(handle_, &messenger, nullptr, &messenger_), "listening to the validation layer");
}

void Instance::load_functions(const Loader& loader) {
    const char* missing = nullptr;
#define KRAIT_VK_INSTANCE(name)                                                            \
    fn_.name = reinterpret_cast<PFN_##name>(loader.vkGetInstanceProcAddr(handle_, #name)); \
    if (!fn_.name) missing = #name;
#include "backends/vulkan/vk/functions.def"
    if (missing) plugin::throw_error(ErrorCode::unavailable, "the Vulkan loader has no {}", missing);
}

Instance::~Instance() { destroy(); }

void Instance::destroy() noexcept {
    if (messenger_ && destroy_messenger_) destroy_messenger_(handle_, messenger_, nullptr);
    if (handle_ && fn_.vkDestroyInstance) fn_.vkDestroyInstance(handle_, nullptr);
}

std::vector<VkPhysicalDevice> Instance::physical_devices() const {
    uint32_t count = 0;
    check(fn_.vkEnumeratePhysicalDevices(handle_, &count, nullptr), "listing the Vulkan devices");
    std::vector<VkPhysicalDevice> devices(count);
    check(fn_.vkEnumeratePhysicalDevices(handle_, &count, devices.data()), "listing the Vulkan devices");
    devices.resize(count);
    return devices;
}

PFN_vkVoidFunction Instance::extension_function(const char* name) const {
    std::string why;
    return Loader::get(why)->vkGetInstanceProcAddr(handle_, name);
}

std::string Instance::take_validation_message() {
    const std::lock_guard lock(mutex_);
    return std::exchange(message_, {});
}

VkBool32 VKAPI_PTR Instance::on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                        const VkDebugUtilsMessengerCallbackDataEXT* data, void* self) {
    auto& instance = *static_cast<Instance*>(self);
    plugin::log(KRAIT_LOG_ERROR, fmt::format("Vulkan validation: {}", data->pMessage ? data->pMessage : "?"));
    const std::lock_guard lock(instance.mutex_);
    if (instance.message_.empty()) instance.message_ = data->pMessage ? data->pMessage : "a message without text";
    return VK_FALSE;
}

}  // namespace krait::vulkan::vk
