// SPDX-License-Identifier: Apache-2.0
#include "tests/allocations/operator_new.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
std::atomic<bool> is_refused{false};  // to threads other than the one that asked for it
thread_local bool is_exempt = false;
thread_local uint64_t n_until_failure = 0;  // 0 = none fails

void* counted(std::size_t size, std::size_t alignment) {
    krait::test::n_allocations.fetch_add(1, std::memory_order_relaxed);
    if (is_refused.load(std::memory_order_relaxed) && !is_exempt) throw std::bad_alloc();
    if (n_until_failure > 0 && --n_until_failure == 0) throw std::bad_alloc();
    size = (size + alignment - 1) / alignment * alignment;
    if (void* memory = std::aligned_alloc(alignment, size > 0 ? size : alignment)) return memory;
    throw std::bad_alloc();
}
// Not inlined: g++ would see free() for what operator new gave, and warn.
[[gnu::noinline]] void give_back(void* memory) { std::free(memory); }
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace krait::test {

NoMemoryElsewhere::NoMemoryElsewhere() {
    is_exempt = true;
    is_refused = true;
}

NoMemoryElsewhere::~NoMemoryElsewhere() {
    is_refused = false;
    is_exempt = false;
}

OneFails::OneFails(uint64_t n) { n_until_failure = n; }
OneFails::~OneFails() { n_until_failure = 0; }
bool OneFails::has_come() const { return n_until_failure == 0; }

}  // namespace krait::test
