// SPDX-License-Identifier: Apache-2.0
//
// Multiply and add as the compiler makes them of plain C++ for the oldest processor that the build is for.
#include <array>

#include "bench/ceilings/kernels.hpp"

namespace krait::bench {
namespace {

constexpr size_t kLanes = 4, kSums = 10;  // 10 registers of 4: latency 4 + 4, two a cycle, rounded up

void run_f32(int64_t rounds) {
    std::array<std::array<float, kLanes>, kSums> sums;
    for (size_t i = 0; i < kSums; ++i) sums[i].fill(static_cast<float>(i));
    for (int64_t round = 0; round < rounds; ++round)
        for (auto& sum : sums)
            for (float& lane : sum) lane = lane * 0.75f + 0.5f;
    volatile float sink = 0;
    for (const auto& sum : sums)
        for (const float lane : sum) sink = sink + lane;
}

bool always() { return true; }

constexpr PeakKernel kPeaks[] = {{Number::f32, "portable", always, 2.0 * kLanes* kSums, run_f32}};

}  // namespace

std::span<const PeakKernel> portable_peaks() { return kPeaks; }

}  // namespace krait::bench
