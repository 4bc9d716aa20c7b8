// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/vk/hazards.hpp"

#include <algorithm>

namespace krait::vulkan::vk {
namespace {

bool any_overlap(std::span<const AddressRange> a, std::span<const AddressRange> b) {
    return std::any_of(a.begin(), a.end(), [&](const AddressRange& x) {
        return std::any_of(b.begin(), b.end(), [&](const AddressRange& y) { return x.overlaps(y); });
    });
}

void append(std::vector<AddressRange>& to, std::span<const AddressRange> ranges) {
    std::copy_if(ranges.begin(), ranges.end(), std::back_inserter(to), [](const AddressRange& r) { return !r.empty(); });
}

}  // namespace

bool HazardTracker::needs_barrier(std::span<const AddressRange> reads, std::span<const AddressRange> writes) {
    const bool hazard = any_overlap(reads, written_) || any_overlap(writes, written_) || any_overlap(writes, read_);
    if (hazard) clear();
    append(read_, reads);
    append(written_, writes);
    return hazard;
}

void HazardTracker::clear() {
    read_.clear();
    written_.clear();
}

}  // namespace krait::vulkan::vk
