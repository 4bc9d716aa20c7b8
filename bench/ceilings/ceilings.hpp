// SPDX-License-Identifier: Apache-2.0
//
// How fast this processor is at best: reading memory, and multiply-adds of each type of number. Measured on the spot by loops
// that do nothing else, so that a result of the engine can be told as a share of what the same machine could do just now.
//   read bandwidth   every thread sums a part of one buffer, far larger than the last-level cache
//   peaks            every thread repeats one multiply-add instruction on registers, enough of them independent to hide latency
// Each figure is the best of several short runs: a ceiling is what was reached once, not what is usual.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace krait::bench {

// The numbers that are multiplied; sums are f32, f32, i32 and i32.
enum class Number : uint8_t { f32, bf16, int16, int8 };
const char* number_name(Number number);

struct Peak {
    Number number{};
    std::string unit;                // what does it: "portable", "avx2", "avx512", "avx512-vnni", "amx"
    double operations_per_second{};  // all threads together; a multiply-add counts two
};

struct Ceilings {
    int n_threads = 0;
    uint64_t buffer_bytes = 0;
    double read_bytes_per_second = 0;  // all threads together
    std::vector<Peak> peaks;           // of every unit that the processor has, at least f32's

    // The fastest unit for that number, nullptr where there is none.
    const Peak* best(Number number) const;
    // The highest rate of any number.
    const Peak& highest() const;
};

struct CeilingOptions {
    int n_threads = 1;
    uint64_t buffer_bytes = 0;  // of the read; 0 = four last-level caches, at least 256 MiB, at most a quarter of what is free
    double run_seconds = 0.04;  // of one run of a loop
    int runs = 5;
    std::function<void(uint64_t done, uint64_t total)> progress;
};

// About 2 s with the default options.
Ceilings measure_ceilings(const CeilingOptions& options = {});

// Bytes of the largest cache of the first processor; 0 where the system does not tell.
uint64_t last_level_cache_bytes();

}  // namespace krait::bench
