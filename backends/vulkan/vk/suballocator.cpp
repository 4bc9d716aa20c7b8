// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/suballocator.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace krait::vulkan::vk {

Suballocator::Suballocator(uint64_t size) : size_(size) {
    if (size > 0) free_.emplace(0, size);
}

std::optional<uint64_t> Suballocator::take(uint64_t size, uint64_t alignment) {
    size = std::max<uint64_t>(size, 1);
    for (auto it = free_.begin(); it != free_.end(); ++it) {
        const auto [start, length] = *it;
        const uint64_t aligned = (start + alignment - 1) & ~(alignment - 1);
        const uint64_t skipped = aligned - start;
        if (aligned < start || skipped > length || size > length - skipped) continue;
        const uint64_t end = aligned + size, rest = start + length - end;
        free_.erase(it);
        if (rest > 0) free_.emplace(end, rest);
        // The bytes that alignment skips stay with the range, so that nothing is lost when it comes back.
        taken_.emplace(aligned, Range{start, end - start});
        used_ += end - start;
        return aligned;
    }
    return std::nullopt;
}

void Suballocator::give_back(uint64_t start) {
    const auto found = taken_.find(start);
    assert(found != taken_.end());
    if (found == taken_.end()) return;
    auto [first, length] = found->second;
    taken_.erase(found);
    used_ -= length;
    auto next = free_.lower_bound(first);
    if (next != free_.end() && first + length == next->first) {
        length += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto before = std::prev(next);
        if (before->first + before->second == first) {
            before->second += length;
            return;
        }
    }
    free_.emplace(first, length);
}

uint64_t Suballocator::largest_free() const {
    uint64_t largest = 0;
    for (const auto& [start, length] : free_) largest = std::max(largest, length);
    return largest;
}

}  // namespace krait::vulkan::vk
