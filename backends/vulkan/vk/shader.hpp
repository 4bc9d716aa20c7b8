// SPDX-License-Identifier: Apache-2.0
//
// A compute shader as the build embeds it (KraitShaders.cmake), in one or two forms.
#pragma once

#include <cstdint>
#include <span>

namespace krait::vulkan::vk {

struct Shader {
    const char* name;
    std::span<const uint32_t> plain;      // SPIR-V without subgroup operations; empty where the shader is nothing without them
    std::span<const uint32_t> subgroups;  // with them; empty where the shader has no use for any
};

}  // namespace krait::vulkan::vk
