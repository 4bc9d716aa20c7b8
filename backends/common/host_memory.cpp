// SPDX-License-Identifier: Apache-2.0
//
// How much memory the machine has, and getting some of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

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

Allocation::Allocation(uint64_t size, std::string_view what, Pages pages) {
    // The operating system promises more than it has and kills later; what exceeds the whole machine is refused here.
    const uint64_t total = memory_total();
    if (size > (total > 0 ? total : UINT64_MAX / 2)) throw_out_of_memory(size, memory_free(), what);
    // From here on, a weight that is read in full every step deserves pages that do not miss in the TLB.
    constexpr uint64_t kHugePage = uint64_t{2} << 20;
    const uint64_t alignment = pages == Pages::large && size >= 2 * kHugePage ? kHugePage : kAlignment;
    const uint64_t rounded = std::max(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment);
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, rounded) != 0) throw_out_of_memory(size, memory_free(), what);
    data_ = static_cast<std::byte*>(memory);
    size_ = rounded;
#if defined(__linux__)
    // A wish: refusal changes nothing. The rest takes small pages, so that nothing is taken beyond the end.
    if (alignment == kHugePage) madvise(data_, rounded / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
}

Allocation::~Allocation() { std::free(data_); }

}  // namespace krait::plugin::host
