// SPDX-License-Identifier: Apache-2.0
//
// Fills device memory from the host. Memory that the host sees is written in place. Other memory goes through two pieces of
// staging in turn: while the device copies one, the host fills the other, so reading a file overlaps with the transfer.
// Threads: any.
#pragma once

#include <functional>

#include "backends/vulkan/submitter.hpp"

namespace krait::vulkan {

class Uploader {
  public:
    Uploader(vk::Device& device, vk::Allocator& allocator, Submitter& submitter);

    using Fill = std::function<void(uint64_t first, std::span<std::byte> out)>;
    // Calls fill for consecutive pieces of `size` bytes; pieces begin at multiples of unit. Returns when all is on the device.
    void write(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill);

  private:
    static constexpr uint64_t kPieceBytes = uint64_t{8} << 20;
    vk::Device& device_;
    vk::Allocator& allocator_;
    std::mutex mutex_;
    Lane lane_;
};

}  // namespace krait::vulkan
