// SPDX-License-Identifier: Apache-2.0
//
// Whether a device that does not promise to keep f16 subnormals (vk/float_controls.hpp) keeps them all the same, as processors
// with an instruction for the conversion do. Shaders that may trust it need one operation for a weight, others about ten.
#pragma once

namespace krait::vulkan {

class VulkanDevice;

// Runs a shader that converts some of them.
bool seen_to_keep_half_subnormals(VulkanDevice& device);

}  // namespace krait::vulkan
