// SPDX-License-Identifier: Apache-2.0
//
// The machine, as results name it.
#pragma once

#include <cstdint>
#include <string>

namespace krait::bench {

struct Machine {
    std::string cpu;       // as its maker calls it
    std::string features;  // instruction sets that matter here, separated by spaces
    std::string os;        // "Linux 6.1.0 x86_64"
    int processors = 0;    // that this process may run on
    uint64_t memory_bytes = 0;
    uint64_t cache_bytes = 0;  // the largest cache of a processor

    // Name and features are those that the cpu backend reports; empty where no such plugin is found.
    static Machine describe();
};

// The most memory that this process has held since it began, mapped files included; 0 where the system does not tell.
uint64_t peak_memory_bytes();

}  // namespace krait::bench
