// SPDX-License-Identifier: Apache-2.0
//
// Finds the steps of a command buffer that need a barrier before them. A step reads and writes ranges of device addresses. It
// must wait for earlier steps where it reads what one of them wrote, or writes what one of them read or wrote; a barrier orders
// it after all steps so far. No Vulkan here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace krait::vulkan::vk {

struct AddressRange {
    uint64_t begin = 0, end = 0;  // begin == end: empty
    bool empty() const { return begin >= end; }
    bool overlaps(const AddressRange& other) const {
        return !empty() && !other.empty() && begin < other.end && other.begin < end;
    }
};

class HazardTracker {
  public:
    // Whether a barrier must come before a step with these ranges; remembers the step. true: everything before is forgotten,
    // since the barrier orders it.
    bool needs_barrier(std::span<const AddressRange> reads, std::span<const AddressRange> writes);
    void clear();

  private:
    std::vector<AddressRange> read_, written_;  // since the last barrier
};

}  // namespace krait::vulkan::vk
