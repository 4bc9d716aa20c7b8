// SPDX-License-Identifier: Apache-2.0
//
// Whether a shader keeps the subnormals of f16, where many scales of weights lie (Q6_K's are about 1e-5). Vulkan lets a driver
// flush them in every conversion, unless the module declares the execution mode DenormPreserve for 16 bits, which it may where
// the driver offers it (shaderDenormPreserveFloat16). Compiled shaders come without; this adds it. No Vulkan here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace krait::vulkan::vk {

// constant_id of a boolean in shaders/weights.glsl: the module has the mode.
inline constexpr uint32_t kKeepsHalvesConstant = 30;

// The SPIR-V module, with one entry point as ours are, with the mode declared.
std::vector<uint32_t> with_half_subnormals(std::span<const uint32_t> module);

}  // namespace krait::vulkan::vk
