// SPDX-License-Identifier: Apache-2.0
//
// How much memory the machine has, and getting some of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "backends/common/host_device.hpp"

namespace krait::plugin::host {

uint64_t memory_total() noexcept {
    const long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_size > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_size) : 0;
}

uint64_t memory_free() noexcept {
    uint64_t kib = 0;
    if (std::FILE* info = std::fopen("/proc/meminfo", "re")) {
        char line[128];
        while (std::fgets(line, sizeof line, info)) {
            unsigned long long value = 0;
            if (std::sscanf(line, "MemAvailable: %llu", &value) == 1) kib = value;
        }
        std::fclose(info);
    }
    return kib * 1024;
}

namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;
// Smaller ones gain nothing by large pages; and memory checkers see where each of them ends.
constexpr uint64_t kMinShared = uint64_t{64} << 10;
constexpr uint64_t kBlock = 16 * kHugePage;

std::shared_ptr<std::byte> aligned_memory(uint64_t alignment, uint64_t size, uint64_t large_pages) {
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, size) != 0) return nullptr;
#if defined(__linux__)
    // A wish: refusal changes nothing.
    if (large_pages > 0) madvise(memory, large_pages, MADV_HUGEPAGE);
#endif
    return {static_cast<std::byte*>(memory), [](std::byte* data) { std::free(data); }};
}

// The next part of a block of large pages, which is made when the last one has no room, and stays as long as one of its parts.
// Pages of it that nobody touches take no memory.
std::shared_ptr<std::byte> part_of_block(uint64_t size) {
    static std::mutex mutex;
    static std::weak_ptr<std::byte> latest;
    static uint64_t used = 0;
    const std::lock_guard lock(mutex);
    std::shared_ptr<std::byte> block = latest.lock();
    if (!block || used + size > kBlock) {
        block = aligned_memory(kHugePage, kBlock, kBlock);
        if (!block) return nullptr;
        latest = block;
        used = 0;
    }
    std::byte* part = block.get() + used;
    used += size;
    return {std::move(block), part};
}

}  // namespace

Allocation::Allocation(uint64_t size, std::string_view what, Pages pages) {
    // The operating system promises more than it has and kills later; what exceeds the whole machine is refused here.
    const uint64_t total = memory_total();
    if (size > (total > 0 ? total : UINT64_MAX / 2)) throw_out_of_memory(size, memory_free(), what);
    size_ = std::max(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment);
    // Memory that is read in full every step deserves pages that do not miss in the TLB.
    if (pages == Pages::small || size_ < kMinShared) {
        data_ = aligned_memory(kAlignment, size_, 0);
    } else if (size_ < 2 * kHugePage) {
        data_ = part_of_block(size_);
    } else {
        // The rest takes small pages, so that nothing is taken beyond the end.
        data_ = aligned_memory(kHugePage, size_, size_ / kHugePage * kHugePage);
    }
    if (!data_) throw_out_of_memory(size, memory_free(), what);
}

}  // namespace krait::plugin::host
