// SPDX-License-Identifier: Apache-2.0
//
// Device memory that a block must not touch yet: all that is no constant, until its threads have waited for earlier kernels.
// The pages are closed to everybody. Whoever touches one opens them all and goes on, so that the emulation can say which thread
// it was when it next hears of it. Nobody else may use that memory meanwhile.
#pragma once

#include <span>
#include <vector>

#include "backends/cuda/host_emulation/device_memory.hpp"

namespace krait::cuda::emulation {

class ClosedMemory {
  public:
    explicit ClosedMemory(const DeviceMemory& memory);  // open still
    ~ClosedMemory();
    ClosedMemory(const ClosedMemory&) = delete;
    ClosedMemory& operator=(const ClosedMemory&) = delete;

    void close();  // for the OS thread that calls
    void open() noexcept;
    // The address that was touched since close(), first of all; null where nothing was.
    const void* touched() const { return touched_; }

    // For the handler of the fault: whether it was here, and the access can be tried again.
    bool take_fault(void* address) noexcept;

  private:
    std::vector<std::span<std::byte>> pages_;
    bool closed_ = false;
    void* touched_ = nullptr;
};

}  // namespace krait::cuda::emulation
