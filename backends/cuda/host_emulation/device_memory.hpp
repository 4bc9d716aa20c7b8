// SPDX-License-Identifier: Apache-2.0
//
// The memory of one emulated device: pieces of host memory between red zones, new ones filled with NaN. After every launch all
// red zones are looked at. Contents can be saved and put back, which is how a launch is run again in another order.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace krait::cuda::emulation {

class DeviceMemory {
  public:
    static constexpr size_t kAlignment = 256;

    ~DeviceMemory();
    // Null where the machine has no more. What the host can see, it may use at any time.
    void* allocate(size_t size, bool host_visible = false);
    void release(void* pointer);
    // Kernels only read it from here on: a constant, once it is uploaded. Not saved, but looked at like all.
    void freeze(void* pointer);

    // Throws which piece was written outside, by the kernel of that name.
    void check(const char* kernel) const;

    // Whether all of it is inside one piece.
    bool holds(const void* from, size_t size) const;
    // Where an address in or round a piece is, in words.
    std::string place_of(const void* address) const;
    // All that is neither frozen nor visible to the host, in order.
    std::vector<std::span<std::byte>> pages_to_close() const;

    using Contents = std::map<void*, std::vector<std::byte>>;
    Contents save() const;
    void restore(const Contents& contents) const;
    // The difference from `contents` now, in words; empty where there is none.
    std::string difference(const Contents& contents) const;

  private:
    struct Block {
        size_t size;
        bool frozen, host_visible;
    };
    // The last piece that starts at the address or before it; end() where there is none.
    std::map<void*, Block>::const_iterator block_before(const void* address) const;

    mutable std::mutex mutex_;
    std::map<void*, Block> blocks_;
};

}  // namespace krait::cuda::emulation
