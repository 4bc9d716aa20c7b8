// SPDX-License-Identifier: Apache-2.0
//
// The loops that measure_ceilings() times. Functions for one instruction set carry its target attribute, so that nothing else
// of their file needs that set; they are called only where available() says so.
#pragma once

#include <cstddef>
#include <span>

#include "bench/ceilings/ceilings.hpp"

namespace krait::bench {

struct PeakKernel {
    Number number;
    const char* unit;
    bool (*available)();
    double operations_per_round;
    void (*run)(int64_t rounds);
};

// Reads every byte of the memory, 64-byte aligned and a multiple of 4096 bytes long; the sum is there so that it must.
struct ReadKernel {
    bool (*available)();
    uint64_t (*sum)(const std::byte* memory, size_t bytes);
};

std::span<const PeakKernel> portable_peaks();
std::span<const PeakKernel> x86_peaks();  // empty on other processors
std::span<const PeakKernel> amx_peaks();  // likewise
std::span<const ReadKernel> read_kernels();

}  // namespace krait::bench
