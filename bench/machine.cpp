// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <cstdio>

#include "bench/ceilings/ceilings.hpp"
#include "core/base/processors.hpp"
#include "core/runtime/plugin_registry.hpp"

namespace krait::bench {

Machine Machine::describe() {
    Machine machine;
    // That family alone: others load drivers to find out what they have.
    krait_device_info info{};
    info.struct_size = sizeof info;
    if (const auto plugin = PluginRegistry::instance().find("cpu");
        plugin && (*plugin)->api().device_info(0, &info, nullptr) == KRAIT_STATUS_OK) {
        machine.cpu = info.name;
        machine.features = info.features;
        machine.memory_bytes = info.memory_total;
    }
    if (utsname system{}; uname(&system) == 0)
        machine.os = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
    machine.processors = usable_processors();
    machine.cache_bytes = last_level_cache_bytes();
    return machine;
}

uint64_t peak_memory_bytes() {
    // getrusage() counts what the process was before it became this program, too: a large one that started it.
    if (std::FILE* status = std::fopen("/proc/self/status", "re")) {
        char line[256];
        unsigned long long kib = 0;
        while (kib == 0 && std::fgets(line, sizeof line, status)) std::sscanf(line, "VmHWM: %llu", &kib);
        std::fclose(status);
        if (kib > 0) return uint64_t{kib} << 10;
    }
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#if defined(__APPLE__)
    return static_cast<uint64_t>(usage.ru_maxrss);
#else
    return static_cast<uint64_t>(usage.ru_maxrss) << 10;
#endif
}

}  // namespace krait::bench
