// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/semaphore.hpp"

namespace krait::vulkan::vk {

Semaphore::Semaphore(Device& device) : device_(device) {
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    info.pNext = &type;
    device.check(device.fn().vkCreateSemaphore(device.get(), &info, nullptr, &handle_), "creating a semaphore");
}

Semaphore::~Semaphore() { device_.fn().vkDestroySemaphore(device_.get(), handle_, nullptr); }

uint64_t Semaphore::value() const {
    uint64_t value = 0;
    device_.check(device_.fn().vkGetSemaphoreCounterValue(device_.get(), handle_, &value), "reading a semaphore");
    return value;
}

bool Semaphore::wait(uint64_t value, uint64_t timeout_ns) const {
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &handle_;
    info.pValues = &value;
    const VkResult result = device_.fn().vkWaitSemaphores(device_.get(), &info, timeout_ns);
    device_.check(result, "waiting for the device");
    return result == VK_SUCCESS;
}

}  // namespace krait::vulkan::vk
