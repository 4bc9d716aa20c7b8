// SPDX-License-Identifier: Apache-2.0
//
// operator new of the whole process, plugins included: counted, and refused where a test asks for that.
#pragma once

#include <atomic>
#include <cstdint>

namespace krait::test {

inline std::atomic<uint64_t> n_allocations{0};

// While it lives, all threads but the one that made it get no memory.
class NoMemoryElsewhere {
  public:
    NoMemoryElsewhere();
    ~NoMemoryElsewhere();
    NoMemoryElsewhere(const NoMemoryElsewhere&) = delete;
    NoMemoryElsewhere& operator=(const NoMemoryElsewhere&) = delete;
};

// While it lives, the n-th allocation of the thread that made it fails, once.
class OneFails {
  public:
    explicit OneFails(uint64_t n);
    ~OneFails();
    bool has_come() const;
    OneFails(const OneFails&) = delete;
    OneFails& operator=(const OneFails&) = delete;
};

}  // namespace krait::test
