// SPDX-License-Identifier: Apache-2.0
//
// Divides one block of memory into ranges: first fit over the free ranges, neighbours joined when they are given back. Knows
// sizes only; no Vulkan.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace krait::vulkan::vk {

class Suballocator {
  public:
    explicit Suballocator(uint64_t size);

    // The start of a free range of `size` bytes at a multiple of `alignment` (a power of two), or nothing. size 0 counts as 1.
    std::optional<uint64_t> take(uint64_t size, uint64_t alignment);
    // Gives back a range by the start that take() gave; another start is an assertion.
    void give_back(uint64_t start);

    uint64_t size() const { return size_; }
    uint64_t used() const { return used_; }  // bytes, with what alignment left over
    bool empty() const { return taken_.empty(); }
    uint64_t largest_free() const;

  private:
    uint64_t size_;
    uint64_t used_ = 0;
    std::map<uint64_t, uint64_t> free_;  // start -> size
    struct Range {
        uint64_t start, size;
    };
    std::map<uint64_t, Range> taken_;  // aligned start -> whole range
};

}  // namespace krait::vulkan::vk
