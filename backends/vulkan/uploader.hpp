// SPDX-License-Identifier: Apache-2.0
//
// Fills device memory from the host. Memory that the host sees and reads fast is written in place. Other memory goes through
// two pieces of staging in turn: while the device copies one, the host fills the other, so reading a file overlaps with the
// transfer. Memory of a card that the host sees across the bus is such other memory: repacking weights reads what it wrote.
// Threads: any.
#pragma once

#include <array>
#include <functional>

#include "backends/vulkan/submitter.hpp"

namespace krait::vulkan {

class Uploader {
  public:
    Uploader(vk::Device& device, vk::Allocator& allocator, Submitter& submitter);

    using Fill = std::function<void(uint64_t first, std::span<std::byte> out)>;
    // Calls fill for consecutive pieces of `size` bytes; pieces begin at multiples of unit. Returns when all is on the device;
    // when it throws, the device is done with dst too.
    void write(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill);
    // Gives large staging back: the weights are there. It is taken again when it is needed.
    void release();

  private:
    static constexpr uint64_t kPieceBytes = uint64_t{8} << 20;
    static constexpr uint64_t kSmallPieceBytes = uint64_t{64} << 10;  // kept: programs bring their parameters
    struct Staging {
        vk::Memory memory;
        uint64_t last_use = 0;  // the batch that reads it
    };
    void write_staged(const vk::Memory& dst, uint64_t size, uint64_t unit, const Fill& fill);

    vk::Device& device_;
    vk::Allocator& allocator_;
    std::mutex mutex_;
    std::array<Staging, 2> staging_;  // before the lane, which waits for what uses it
    SubmissionLane lane_;
};

}  // namespace krait::vulkan
