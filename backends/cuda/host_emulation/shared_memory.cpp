// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/shared_memory.hpp"

#include <algorithm>

#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/red_zone.hpp"

namespace krait::cuda::emulation {
namespace {

constexpr size_t kZone = 64;  // bytes on either side of an array
constexpr size_t kAlignment = 128;
constexpr size_t kPattern = 1024;  // the largest that a swizzle repeats from
constexpr Site kDynamic{"dynamic shared memory", 0};

// A start that is a multiple of kAlignment and of nothing larger.
size_t odd_multiple(size_t from) {
    const size_t start = (from + kAlignment - 1) / kAlignment * kAlignment;
    return start / kAlignment % 2 == 1 ? start : start + kAlignment;
}

}  // namespace

void SharedMemory::begin_block(size_t dynamic_bytes, uint32_t n_threads) {
    view_.begin_block(n_threads);
    arrays_.clear();
    end_ = 0;
    dynamic_bytes_ = dynamic_bytes;
}

void* SharedMemory::array(Site site, size_t bytes) {
    for (const Array& array : arrays_)
        if (array.site == site) return base_ + array.offset;
    return add(site, bytes);
}

void* SharedMemory::dynamic() {
    if (dynamic_bytes_ == 0) kernel_failure("the kernel uses dynamic shared memory, but the launch gives it none");
    return array(kDynamic, dynamic_bytes_);
}

void* SharedMemory::add(Site site, size_t bytes) {
    // The memory that a kernel may have is counted without zones and rounding.
    size_t used = bytes;
    for (const Array& array : arrays_) used += array.bytes;
    if (used > kCapacity) kernel_failure("{}: {} bytes of shared memory; a block has at most {}", site.text(), used, kCapacity);
    if (!memory_) {
        memory_ = std::make_unique<std::byte[]>(kRoom + kPattern);
        base_ = memory_.get() + (kPattern - reinterpret_cast<uintptr_t>(memory_.get()) % kPattern);
    }
    const size_t start = odd_multiple(end_ + kZone);
    const size_t rounded = (bytes + 3) / 4 * 4;
    if (start + rounded + kZone > kRoom) kernel_failure("{}: too many small arrays of shared memory", site.text());
    fill_red_zone({base_ + start - kZone, kZone});
    std::memset(base_ + start, 0xff, rounded);
    fill_red_zone({base_ + start + rounded, kZone});
    arrays_.push_back({site, start, rounded});
    end_ = start + rounded + kZone;
    return base_ + start;
}

void SharedMemory::check() const {
    for (const Array& array : arrays_) {
        const std::byte* start = base_ + array.offset;
        if (const auto at = find_damage({start - kZone, kZone}))
            kernel_failure("{}: a store {} bytes before this shared array of {} bytes", array.site.text(), kZone - *at,
                           array.bytes);
        if (const auto at = find_damage({start + array.bytes, kZone}))
            kernel_failure("{}: a store at byte {} of this shared array of {} bytes", array.site.text(), array.bytes + *at,
                           array.bytes);
    }
}

bool SharedMemory::holds(const void* pointer) const {
    const auto* at = static_cast<const std::byte*>(pointer);
    return std::any_of(arrays_.begin(), arrays_.end(), [&](const Array& array) {
        return at >= base_ + array.offset && at < base_ + array.offset + array.bytes;
    });
}

uint32_t SharedMemory::address(const void* pointer, Site site) const {
    if (!holds(pointer)) kernel_failure("{}: the address of something that is not in shared memory", site.text());
    return static_cast<uint32_t>(static_cast<const std::byte*>(pointer) - base_);
}

const std::byte* SharedMemory::read_async(size_t address, size_t size, Site site) {
    const auto inside = [&](const Array& array) {
        return address >= array.offset && address + size <= array.offset + array.bytes;
    };
    if (std::none_of(arrays_.begin(), arrays_.end(), inside))
        kernel_failure("{}: a product reads shared memory at {}, where no array is", site.text(), address);
    if (!view_.is_current(base_, kRoom, address, size))
        kernel_failure(
            "{}: a product reads shared memory at {} that was stored without async_proxy_fence and a barrier behind it, or by "
            "other words than store_vector and copy_async",
            site.text(), address);
    return base_ + address;
}

}  // namespace krait::cuda::emulation
