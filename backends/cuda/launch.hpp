// SPDX-License-Identifier: Apache-2.0
//
// The description of a launch, and how it reaches a device.
#pragma once

#include "backends/cuda/runtime.hpp"

namespace krait::cuda {

struct Extent3 {
    uint32_t x = 1, y = 1, z = 1;
};

struct LaunchShape {
    const char* name;
    Extent3 grid;
    Extent3 block;
    size_t dynamic_shared = 0;
};

// On a device: a kernel compiled by nvcc, with pointers to its arguments.
void launch_on_device(Stream& stream, const LaunchShape& shape, const void* kernel, void** arguments);

// On the emulation: thread(call) runs one thread.
void launch_emulated(Stream& stream, const LaunchShape& shape, std::shared_ptr<const void> call,
                     void (*thread)(const void* call));

}  // namespace krait::cuda
