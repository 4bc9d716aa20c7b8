// SPDX-License-Identifier: Apache-2.0
//
// The shared memory of the block that runs. An array exists from the first thread that declares it: filled with bytes 0xff,
// which are a NaN in every float format and -1 in every integer, between two red zones that are looked at when the block ends.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "backends/cuda/host_emulation/site.hpp"

namespace krait::cuda::emulation {

class SharedMemory {
  public:
    static constexpr size_t kCapacity = 227 * 1024;  // what a block of sm_90 can have

    void begin_block(size_t dynamic_bytes);
    // The array declared at `site`; every thread of the block gets the same one.
    void* array(Site site, size_t bytes);
    void* dynamic();
    // Throws what was written outside its array.
    void check() const;

  private:
    struct Array {
        Site site;
        size_t offset, bytes;
    };
    void* add(Site site, size_t bytes);

    std::unique_ptr<std::byte[]> memory_;
    std::vector<Array> arrays_;
    size_t end_ = 0;
    size_t dynamic_bytes_ = 0;
};

}  // namespace krait::cuda::emulation
