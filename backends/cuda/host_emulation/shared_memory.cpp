// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/shared_memory.hpp"

#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/red_zone.hpp"

namespace krait::cuda::emulation {
namespace {

constexpr size_t kZone = 64;  // bytes on either side of an array
constexpr size_t kAlignment = 128;
constexpr Site kDynamic{"dynamic shared memory", 0};

}  // namespace

void SharedMemory::begin_block(size_t dynamic_bytes) {
    arrays_.clear();
    end_ = 0;
    dynamic_bytes_ = dynamic_bytes;
}

void* SharedMemory::array(Site site, size_t bytes) {
    for (const Array& array : arrays_)
        if (array.site == site) return memory_.get() + array.offset;
    return add(site, bytes);
}

void* SharedMemory::dynamic() {
    if (dynamic_bytes_ == 0) kernel_failure("the kernel uses dynamic shared memory, but the launch gives it none");
    return array(kDynamic, dynamic_bytes_);
}

void* SharedMemory::add(Site site, size_t bytes) {
    // Zones and rounding are the emulation's own: what a kernel may have is counted without them.
    size_t used = bytes;
    for (const Array& array : arrays_) used += array.bytes;
    if (used > kCapacity) kernel_failure("{}: {} bytes of shared memory; a block has at most {}", site.text(), used, kCapacity);
    constexpr size_t kRoom = 2 * kCapacity;
    if (!memory_) {
        memory_ = std::make_unique<std::byte[]>(kRoom + kAlignment);
    }
    const auto base = reinterpret_cast<uintptr_t>(memory_.get());
    const size_t start = (base + end_ + kZone + kAlignment - 1) / kAlignment * kAlignment - base;
    const size_t rounded = (bytes + 3) / 4 * 4;
    if (start + rounded + kZone > kRoom) kernel_failure("{}: too many small arrays of shared memory", site.text());
    fill_red_zone({memory_.get() + start - kZone, kZone});
    std::memset(memory_.get() + start, 0xff, rounded);
    fill_red_zone({memory_.get() + start + rounded, kZone});
    arrays_.push_back({site, start, rounded});
    end_ = start + rounded + kZone;
    return memory_.get() + start;
}

void SharedMemory::check() const {
    for (const Array& array : arrays_) {
        const std::byte* start = memory_.get() + array.offset;
        if (const auto at = find_damage({start - kZone, kZone}))
            kernel_failure("{}: a store {} bytes before this shared array of {} bytes", array.site.text(), kZone - *at,
                           array.bytes);
        if (const auto at = find_damage({start + array.bytes, kZone}))
            kernel_failure("{}: a store at byte {} of this shared array of {} bytes", array.site.text(), array.bytes + *at,
                           array.bytes);
    }
}

}  // namespace krait::cuda::emulation
