// SPDX-License-Identifier: Apache-2.0
//
// A launch: all blocks of a grid, one after another, on the thread that called. In `compare` mode it happens three times from
// the same memory, in three orders of threads and blocks, and every byte of the device must come out the same: what differs is
// a race. Throws KernelFailure, with the kernel's name.
#pragma once

#include "backends/cuda/host_emulation/block.hpp"
#include "backends/cuda/host_emulation/device_memory.hpp"

namespace krait::cuda::emulation {

enum class OrderMode : uint8_t { forward, reverse, shuffled, compare };

// Launches may run on several OS threads at once, but none beside one in `compare` mode or an early one, nor anything else that
// uses the device's memory: that is the caller's to see to.
void launch(const DeviceMemory& memory, const KernelCall& call, OrderMode mode);

}  // namespace krait::cuda::emulation
