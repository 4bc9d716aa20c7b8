// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/driver_nodes.hpp"

#if defined(__linux__)
#include <glob.h>

#include <algorithm>
#include <iterator>
#endif

namespace krait {

#if defined(__linux__)

static bool exists(const char* pattern) {
    glob_t found{};
    const bool any = glob(pattern, GLOB_NOSORT, nullptr, &found) == 0;
    globfree(&found);
    return any;
}

bool may_have_auto_devices(std::string_view family) {
    // Nodes of the kernel's own drivers; of NVIDIA's, on Tegra too; of Windows behind WSL; of phones.
    constexpr const char* kNodes[] = {"/dev/dri/renderD*", "/dev/nvidia*", "/dev/nvhost*", "/dev/dxg",
                                      "/dev/mali*",        "/dev/kgsl*",   "/dev/pvr*"};
    return family != "vulkan" || std::any_of(std::begin(kNodes), std::end(kNodes), exists);
}

#else

bool may_have_auto_devices(std::string_view) { return true; }

#endif

}  // namespace krait
