// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/device_memory.hpp"

#include <sys/mman.h>

#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/red_zone.hpp"

namespace krait::cuda::emulation {
namespace {

constexpr size_t kZone = 1024;

size_t rounded(size_t size) { return (size + 3) / 4 * 4; }

// A piece with its zones is pages of its own.
size_t page_bytes(size_t size) {
    constexpr size_t kPage = 4096;
    return (kZone + rounded(size) + kZone + kPage - 1) / kPage * kPage;
}
std::span<std::byte> pages_of(void* pointer, size_t size) {
    return {static_cast<std::byte*>(pointer) - kZone, page_bytes(size)};
}

std::span<std::byte> zone_before(void* pointer) { return {static_cast<std::byte*>(pointer) - kZone, kZone}; }
std::span<std::byte> zone_behind(void* pointer, size_t size) {
    return {static_cast<std::byte*>(pointer) + rounded(size), kZone};
}

}  // namespace

DeviceMemory::~DeviceMemory() {
    for (const auto& [pointer, block] : blocks_) {
        const auto pages = pages_of(pointer, block.size);
        munmap(pages.data(), pages.size());
    }
}

void* DeviceMemory::allocate(size_t size, bool host_visible) {
    static_assert(kZone % kAlignment == 0);
    void* block = mmap(nullptr, page_bytes(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    std::byte* pointer = static_cast<std::byte*>(block) + kZone;
    fill_red_zone(zone_before(pointer));
    std::memset(pointer, 0xff, rounded(size));
    fill_red_zone(zone_behind(pointer, size));
    const std::lock_guard lock(mutex_);
    blocks_[pointer] = {size, false, host_visible};
    return pointer;
}

void DeviceMemory::release(void* pointer) {
    if (!pointer) return;
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(pointer);
    if (found == blocks_.end()) return;
    const auto pages = pages_of(pointer, found->second.size);
    blocks_.erase(found);
    munmap(pages.data(), pages.size());
}

void DeviceMemory::freeze(void* pointer) {
    const std::lock_guard lock(mutex_);
    if (const auto found = blocks_.find(pointer); found != blocks_.end()) found->second.frozen = true;
}

void DeviceMemory::check(const char* kernel) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [pointer, block] : blocks_) {
        const auto before = zone_before(pointer), behind = zone_behind(pointer, block.size);
        const auto low = find_damage(before), high = find_damage(behind);
        if (!low && !high) continue;
        fill_red_zone(before);  // told once
        fill_red_zone(behind);
        if (low)
            kernel_failure("{}: a store {} bytes before a piece of device memory of {} bytes", kernel, kZone - *low,
                           block.size);
        kernel_failure("{}: a store at byte {} of a piece of device memory of {} bytes", kernel, rounded(block.size) + *high,
                       block.size);
    }
}

std::map<void*, DeviceMemory::Block>::const_iterator DeviceMemory::block_before(const void* address) const {
    const auto behind = blocks_.upper_bound(const_cast<void*>(address));
    return behind == blocks_.begin() ? blocks_.end() : std::prev(behind);
}

bool DeviceMemory::holds(const void* from, size_t size) const {
    const std::lock_guard lock(mutex_);
    const auto found = block_before(from);
    if (found == blocks_.end()) return false;
    const auto at = static_cast<size_t>(static_cast<const std::byte*>(from) - static_cast<std::byte*>(found->first));
    return at <= found->second.size && size <= found->second.size - at;
}

std::string DeviceMemory::place_of(const void* address) const {
    const std::lock_guard lock(mutex_);
    const auto found = block_before(static_cast<const std::byte*>(address) + kZone);  // a zone belongs to what follows it
    if (found == blocks_.end()) return "no device memory";
    return fmt::format("byte {} of a piece of device memory of {} bytes",
                       static_cast<const std::byte*>(address) - static_cast<std::byte*>(found->first), found->second.size);
}

std::vector<std::span<std::byte>> DeviceMemory::pages_to_close() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::span<std::byte>> pages;
    for (const auto& [pointer, block] : blocks_)
        if (!block.frozen && !block.host_visible) pages.push_back(pages_of(pointer, block.size));
    return pages;
}

DeviceMemory::Contents DeviceMemory::save() const {
    const std::lock_guard lock(mutex_);
    Contents contents;
    for (const auto& [pointer, block] : blocks_)
        if (!block.frozen) {
            const auto* bytes = static_cast<const std::byte*>(pointer);
            contents[pointer].assign(bytes, bytes + block.size);
        }
    return contents;
}

void DeviceMemory::restore(const Contents& contents) const {
    for (const auto& [pointer, bytes] : contents)
        if (!bytes.empty()) std::memcpy(pointer, bytes.data(), bytes.size());
}

std::string DeviceMemory::difference(const Contents& contents) const {
    for (const auto& [pointer, bytes] : contents) {
        const auto* now = static_cast<const std::byte*>(pointer);
        if (bytes.empty() || std::memcmp(now, bytes.data(), bytes.size()) == 0) continue;
        size_t at = 0;
        while (now[at] == bytes[at]) ++at;
        return fmt::format("byte {} of a piece of device memory of {} bytes", at, bytes.size());
    }
    return {};
}

}  // namespace krait::cuda::emulation
