// SPDX-License-Identifier: Apache-2.0
//
// Ceilings are there and add up; how high they are is the machine's affair.
#include "bench/ceilings/ceilings.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "bench/ceilings/kernels.hpp"

namespace krait::bench {
namespace {

CeilingOptions short_run(int n_threads) {
    return {.n_threads = n_threads, .buffer_bytes = uint64_t{8} << 20, .run_seconds = 1e-4, .runs = 2};
}

TEST(Ceilings, EveryFigureIsAboveZero) {
    for (const int n_threads : {1, 3}) {
        const Ceilings ceilings = measure_ceilings(short_run(n_threads));
        EXPECT_EQ(ceilings.n_threads, n_threads);
        EXPECT_GE(ceilings.buffer_bytes, uint64_t{4} << 20);
        EXPECT_GT(ceilings.read_bytes_per_second, 0);
        ASSERT_FALSE(ceilings.peaks.empty());
        for (const Peak& peak : ceilings.peaks) EXPECT_GT(peak.operations_per_second, 0) << peak.unit;
    }
}

TEST(Ceilings, ProgressEndsAtItsTotal) {
    uint64_t last = 0, all = 1;
    CeilingOptions options = short_run(1);
    options.progress = [&](uint64_t done, uint64_t total) {
        EXPECT_EQ(done, last + 1);
        last = done;
        all = total;
    };
    (void)measure_ceilings(options);
    EXPECT_EQ(last, all);
}

TEST(Ceilings, BestIsTheFastestOfANumber) {
    Ceilings ceilings;
    ceilings.peaks = {{Number::f32, "slow", 10}, {Number::f32, "fast", 30}, {Number::int8, "vnni", 90}};
    EXPECT_EQ(ceilings.best(Number::f32)->unit, "fast");
    EXPECT_EQ(ceilings.best(Number::bf16), nullptr);
    EXPECT_EQ(ceilings.highest().unit, "vnni");
}

// A loop that left bytes out would show a bandwidth that is not there.
TEST(Ceilings, ReadLoopsReadEveryByte) {
    constexpr size_t kWords = 4096;  // 32 KiB: a quarter is a multiple of every step
    std::vector<uint64_t> storage(kWords + 8);
    auto* words = reinterpret_cast<uint64_t*>((reinterpret_cast<uintptr_t>(storage.data()) + 63) & ~uintptr_t{63});
    std::iota(words, words + kWords, uint64_t{1} << 40);
    const uint64_t expected = std::accumulate(words, words + kWords, uint64_t{0});
    for (const ReadKernel& kernel : read_kernels())
        if (kernel.available()) {
            EXPECT_EQ(kernel.sum(reinterpret_cast<const std::byte*>(words), kWords * sizeof(uint64_t)), expected);
        }
}

}  // namespace
}  // namespace krait::bench
