// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/loader.hpp"

#include <dlfcn.h>

namespace krait::vulkan::vk {

const Loader* Loader::get(std::string& why) {
    static std::string reason;
    static const Loader* const loader = []() -> const Loader* {
        void* library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            const char* said = dlerror();
            reason = fmt::format("there is no Vulkan loader: {}", said ? said : "libvulkan.so.1 cannot be opened");
            return nullptr;
        }
        static Loader made;
        made.vkGetInstanceProcAddr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
        if (!made.vkGetInstanceProcAddr) {
            reason = "libvulkan.so.1 has no vkGetInstanceProcAddr";
            return nullptr;
        }
#define KRAIT_VK_GLOBAL(name)                                                                   \
    made.name = reinterpret_cast<PFN_##name>(made.vkGetInstanceProcAddr(nullptr, #name));       \
    if (!made.name) {                                                                           \
        reason = "the Vulkan loader has no " #name ": it is of version 1.0, and 1.2 is needed"; \
        return nullptr;                                                                         \
    }
#include "backends/vulkan/vk/functions.def"
        return &made;
    }();
    why = reason;
    return loader;
}

const char* result_name(VkResult result) noexcept {
    switch (result) {
        case VK_ERROR_OUT_OF_HOST_MEMORY: return "out of host memory";
        case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "out of device memory";
        case VK_ERROR_INITIALIZATION_FAILED: return "initialization failed";
        case VK_ERROR_DEVICE_LOST: return "the device is lost";
        case VK_ERROR_MEMORY_MAP_FAILED: return "memory cannot be mapped";
        case VK_ERROR_LAYER_NOT_PRESENT: return "a layer is not there";
        case VK_ERROR_EXTENSION_NOT_PRESENT: return "an extension is not there";
        case VK_ERROR_FEATURE_NOT_PRESENT: return "a feature is not there";
        case VK_ERROR_INCOMPATIBLE_DRIVER: return "no driver can be used";
        case VK_ERROR_TOO_MANY_OBJECTS: return "too many objects";
        default: return "an error of the driver";
    }
}

void check(VkResult result, std::string_view what) {
    if (result >= VK_SUCCESS) return;
    const ErrorCode code = result == VK_ERROR_DEVICE_LOST ? ErrorCode::device_lost
                           : result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY
                               ? ErrorCode::out_of_memory
                               : ErrorCode::internal;
    plugin::throw_error(code, "{}: {} (VkResult {})", what, result_name(result), static_cast<int>(result));
}

}  // namespace krait::vulkan::vk
