// SPDX-License-Identifier: Apache-2.0
//
// The shared memory of the block that runs. An array exists from the first thread that declares it: filled with bytes 0xff,
// which are a NaN in every float format and -1 in every integer, between two red zones that are looked at when the block ends.
// An address is what a matrix descriptor holds: a piece's place in the block's memory. Arrays start at odd multiples of
// kAlignment, as a device promises no more.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "backends/cuda/host_emulation/async_view.hpp"
#include "backends/cuda/host_emulation/site.hpp"

namespace krait::cuda::emulation {

class SharedMemory {
  public:
    static constexpr size_t kCapacity = 227 * 1024;  // what a block of sm_90 can have

    void begin_block(size_t dynamic_bytes, uint32_t n_threads);
    // The array declared at `site`; every thread of the block gets the same one.
    void* array(Site site, size_t bytes);
    void* dynamic();
    // Throws what was written outside its array.
    void check() const;

    bool holds(const void* pointer) const;
    uint32_t address(const void* pointer, Site site) const;
    const std::byte* at_address(size_t address) const { return base() + address; }
    // Checks what a product reads: inside an array, and published.
    const std::byte* read_async(size_t address, size_t size, Site site);
    void stored(uint32_t thread, const void* at, size_t size) {
        view_.stored(thread, static_cast<size_t>(static_cast<const std::byte*>(at) - base()), size);
    }
    void fence(uint32_t thread) { view_.fence(thread, base()); }
    void publish(uint32_t thread) { view_.publish(thread, kRoom); }

  private:
    struct Array {
        Site site;
        size_t offset, bytes;
    };
    void* add(Site site, size_t bytes);
    // The first address that is a multiple of all that a descriptor asks for.
    std::byte* base() const { return base_; }
    static constexpr size_t kRoom = 2 * kCapacity;  // zones and rounding are the emulation's own

    std::unique_ptr<std::byte[]> memory_;
    std::byte* base_ = nullptr;  // in memory_
    AsyncView view_;
    std::vector<Array> arrays_;
    size_t end_ = 0;
    size_t dynamic_bytes_ = 0;
};

}  // namespace krait::cuda::emulation
