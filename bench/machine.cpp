// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>

#include "bench/ceilings/ceilings.hpp"
#include "core/base/processors.hpp"
#include "core/runtime/plugin_registry.hpp"

namespace krait::bench {

Machine Machine::describe() {
    Machine machine;
    for (const DeviceListing& device : PluginRegistry::instance().devices()) {
        if (device.family != "cpu" || !device.error.empty()) continue;
        machine.cpu = device.info.name;
        machine.features = device.info.features;
        machine.memory_bytes = device.info.memory_total;
    }
    if (utsname system{}; uname(&system) == 0)
        machine.os = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
    machine.processors = usable_processors();
    machine.cache_bytes = last_level_cache_bytes();
    return machine;
}

uint64_t peak_memory_bytes() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#if defined(__APPLE__)
    return static_cast<uint64_t>(usage.ru_maxrss);
#else
    return static_cast<uint64_t>(usage.ru_maxrss) << 10;
#endif
}

}  // namespace krait::bench
