// SPDX-License-Identifier: Apache-2.0
//
// The memory of one emulated device: pieces of host memory between red zones, new ones filled with NaN. After every launch all red
// zones are looked at. Contents can be saved and put back, which is how a launch is run again in another order.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace krait::cuda::emulation {

class DeviceMemory {
  public:
    static constexpr size_t kAlignment = 256;

    ~DeviceMemory();
    // Null where the machine has no more.
    void* allocate(size_t size);
    void release(void* pointer);
    // Kernels only read it from here on: a constant, once it is uploaded. Not saved, but looked at like all.
    void freeze(void* pointer);

    // Throws which piece was written outside, by the kernel of that name.
    void check(const char* kernel) const;

    using Contents = std::map<void*, std::vector<std::byte>>;
    Contents save() const;
    void restore(const Contents& contents) const;
    // What differs from `contents` now, in words; empty where nothing does.
    std::string difference(const Contents& contents) const;

  private:
    struct Piece {
        size_t size;
        bool frozen;
    };
    static void* block_of(void* pointer);

    mutable std::mutex mutex_;
    std::map<void*, Piece> pieces_;
};

}  // namespace krait::cuda::emulation
