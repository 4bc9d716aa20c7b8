// SPDX-License-Identifier: Apache-2.0
//
// A timeline semaphore: a counter that only grows. Threads: any.
#pragma once

#include "backends/vulkan/vk/device.hpp"

namespace krait::vulkan::vk {

class Semaphore {
  public:
    explicit Semaphore(Device& device);
    ~Semaphore();
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    VkSemaphore get() const { return handle_; }
    uint64_t value() const;
    bool wait(uint64_t value, uint64_t timeout_ns) const;  // false = the time is over

  private:
    Device& device_;
    VkSemaphore handle_ = VK_NULL_HANDLE;
};

}  // namespace krait::vulkan::vk
