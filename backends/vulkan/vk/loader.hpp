// SPDX-License-Identifier: Apache-2.0
//
// The Vulkan loader, opened at run time: the plugin has no link to it, so it can be asked on a machine without Vulkan and says
// what is missing there. Also what all of vk/ needs: the functions as tables, and VkResult as an error.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <string>

#include "backends/common/plugin_shim.hpp"

namespace krait::vulkan::vk {

// nullptr where the machine has no loader; then `why` says so. Opened once and kept for the life of the process: drivers do
// not like to be unloaded.
class Loader {
  public:
    static const Loader* get(std::string& why);

    PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr = nullptr;
#define KRAIT_VK_GLOBAL(name) PFN_##name name = nullptr;
#include "backends/vulkan/vk/functions.def"

  private:
    Loader() = default;
};

struct InstanceTable {
#define KRAIT_VK_INSTANCE(name) PFN_##name name = nullptr;
#include "backends/vulkan/vk/functions.def"
};

struct DeviceTable {
#define KRAIT_VK_DEVICE(name) PFN_##name name = nullptr;
#include "backends/vulkan/vk/functions.def"
};

const char* result_name(VkResult result) noexcept;

// Throws where result is an error: DEVICE_LOST and OUT_OF_MEMORY as what they are, the rest as INTERNAL.
void check(VkResult result, std::string_view what);

}  // namespace krait::vulkan::vk
