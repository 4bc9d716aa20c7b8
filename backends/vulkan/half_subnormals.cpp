// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/half_subnormals.hpp"

#include <algorithm>
#include <span>

#include "backends/vulkan/half_subnormals_params.h"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/vulkan_device.hpp"
#include "backends/vulkan/vulkan_program.hpp"

namespace krait::vulkan {

bool seen_to_keep_half_subnormals(VulkanDevice& device) {
    // Subnormal numbers, in units of 2^-24: the smallest, another one, the largest, and a negative one.
    constexpr float kUnit = 1.0f / 16777216;
    constexpr float kExpected[4] = {1 * kUnit, 0x155 * kUnit, 0x3ff * kUnit, -2 * kUnit};
    const vk::Memory result = device.allocator().take(vk::MemoryKind::host, sizeof kExpected, "what a shader found");
    const HalfSubnormalsParams params{.result = result.address(), .first = 0x01550001, .second = 0x800203ff};
    Recorder recorder(device);
    recorder.begin_node({.reads = {}, .writes = {{result.address(), result.address() + sizeof kExpected}}});
    recorder.dispatch({shaders::half_subnormals, {1, 1}}, params, {1, 1, 1});
    const auto program = recorder.finish();
    VulkanQueue queue(device);
    queue.run(*program, {});
    queue.sync();
    return std::ranges::equal(kExpected, std::span(reinterpret_cast<const float*>(result.mapped()), std::size(kExpected)));
}

}  // namespace krait::vulkan
