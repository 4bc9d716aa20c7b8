// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/device_memory.hpp"

#include <cstdlib>

#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/red_zone.hpp"

namespace krait::cuda::emulation {
namespace {

constexpr size_t kZone = 1024;

size_t rounded(size_t size) { return (size + 3) / 4 * 4; }

std::span<std::byte> zone_before(void* pointer) { return {static_cast<std::byte*>(pointer) - kZone, kZone}; }
std::span<std::byte> zone_behind(void* pointer, size_t size) {
    return {static_cast<std::byte*>(pointer) + rounded(size), kZone};
}

}  // namespace

DeviceMemory::~DeviceMemory() {
    for (const auto& [pointer, piece] : pieces_) std::free(block_of(pointer));
}

void* DeviceMemory::block_of(void* pointer) { return static_cast<std::byte*>(pointer) - kZone; }

void* DeviceMemory::allocate(size_t size) {
    static_assert(kZone % kAlignment == 0);
    const size_t whole = (kZone + rounded(size) + kZone + kAlignment - 1) / kAlignment * kAlignment;
    auto* block = static_cast<std::byte*>(std::aligned_alloc(kAlignment, whole));
    if (!block) return nullptr;
    std::byte* pointer = block + kZone;
    fill_red_zone(zone_before(pointer));
    std::memset(pointer, 0xff, rounded(size));
    fill_red_zone(zone_behind(pointer, size));
    const std::lock_guard lock(mutex_);
    pieces_[pointer] = {size, false};
    return pointer;
}

void DeviceMemory::release(void* pointer) {
    if (!pointer) return;
    const std::lock_guard lock(mutex_);
    if (pieces_.erase(pointer) > 0) std::free(block_of(pointer));
}

void DeviceMemory::freeze(void* pointer) {
    const std::lock_guard lock(mutex_);
    if (const auto found = pieces_.find(pointer); found != pieces_.end()) found->second.frozen = true;
}

void DeviceMemory::check(const char* kernel) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [pointer, piece] : pieces_) {
        const auto before = zone_before(pointer), behind = zone_behind(pointer, piece.size);
        const auto low = find_damage(before), high = find_damage(behind);
        if (!low && !high) continue;
        fill_red_zone(before);  // told once
        fill_red_zone(behind);
        if (low)
            kernel_failure("{}: a store {} bytes before a piece of device memory of {} bytes", kernel, kZone - *low,
                           piece.size);
        kernel_failure("{}: a store at byte {} of a piece of device memory of {} bytes", kernel, rounded(piece.size) + *high,
                       piece.size);
    }
}

DeviceMemory::Contents DeviceMemory::save() const {
    const std::lock_guard lock(mutex_);
    Contents contents;
    for (const auto& [pointer, piece] : pieces_)
        if (!piece.frozen) {
            const auto* bytes = static_cast<const std::byte*>(pointer);
            contents[pointer].assign(bytes, bytes + piece.size);
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
