// SPDX-License-Identifier: Apache-2.0
//
// Parts that tests of the emulated GPU share: launches of a lambda, and what they failed with.
#pragma once

#include <gtest/gtest.h>

#include "backends/cuda/host_emulation/launch.hpp"
#include "backends/cuda/kernels/intrinsics.cuh"

namespace krait::cuda {

using emulation::Index3;
using emulation::KernelFailure;
using emulation::OrderMode;

class Emulation : public testing::Test {
  protected:
    template <class T>
    T* array(size_t n) {
        return static_cast<T*>(memory.allocate(n * sizeof(T)));
    }

    // Every thread runs `thread`.
    template <class Thread>
    void launch(Index3 grid, Index3 block, Thread thread, OrderMode mode = OrderMode::forward, size_t dynamic_shared = 0) {
        const emulation::KernelCall call{"tested", [](const void* closure) { (*static_cast<const Thread*>(closure))(); },
                                         &thread,  grid,
                                         block,    dynamic_shared};
        emulation::launch(memory, call, mode);
        memory.check("tested");
    }
    template <class Thread>
    std::string failure(Index3 block, Thread thread, OrderMode mode = OrderMode::forward, size_t dynamic_shared = 0) {
        try {
            launch({1}, block, thread, mode, dynamic_shared);
        } catch (const KernelFailure& caught) {
            return caught.what();
        }
        return "nothing was found";
    }

    emulation::DeviceMemory memory;
};

inline void expect_says(const std::string& failure, std::initializer_list<std::string> words) {
    for (const std::string& word : words) EXPECT_NE(failure.find(word), std::string::npos) << failure << "\nlacks: " << word;
}

}  // namespace krait::cuda
