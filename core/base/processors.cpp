// SPDX-License-Identifier: Apache-2.0
#include "core/base/processors.hpp"

#include <algorithm>
#include <memory>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/base/control_groups.hpp"

namespace krait {

std::vector<int> allowed_processors() {
    std::vector<int> processors;
#if defined(__linux__)
    // cpu_set_t itself ends at 1024.
    struct FreeSet {
        void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
    };
    for (int count = 1024; count <= 1 << 16; count *= 4) {
        const std::unique_ptr<cpu_set_t, FreeSet> set(CPU_ALLOC(static_cast<size_t>(count)));
        if (!set) break;
        const size_t bytes = CPU_ALLOC_SIZE(count);
        if (sched_getaffinity(0, bytes, set.get()) != 0) continue;  // more processors than fit
        for (int id = 0; id < count; ++id)
            if (CPU_ISSET_S(static_cast<size_t>(id), bytes, set.get())) processors.push_back(id);
        break;
    }
#endif
    return processors;
}

int usable_processors() {
    auto count = static_cast<int>(allowed_processors().size());
    if (count < 1) count = static_cast<int>(std::thread::hardware_concurrency());
    if (const int quota = processors_of_quota(); quota > 0) count = std::min(count, quota);
    return std::max(count, 1);
}

}  // namespace krait
