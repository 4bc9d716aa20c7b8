// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/instruction_sets.hpp"

#include <cerrno>
#include <initializer_list>
#include <system_error>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace krait::cpu {

namespace {

constexpr const char* kNames[] = {"sse2",     "avx",      "avx2",       "fma",        "f16c",     "avx512f",  "avx512bw",
                                  "avx512dq", "avx512vl", "avx512vnni", "avx512bf16", "amx-tile", "amx-int8", "amx-bf16"};
static_assert(std::size(kNames) == kFeatures);

#if defined(__x86_64__)
bool saves_tiles() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
    asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    constexpr unsigned kTiles = 1u << 17 | 1u << 18;  // XCR0: TILECFG, TILEDATA
    return (a & kTiles) == kTiles;
}
#endif

// Since Linux 5.16 tiles belong to a process only once it has asked: the state of a thread that uses them is 8 KiB larger.
std::string ask_linux_for_tiles() {
#if defined(__linux__) && defined(__x86_64__)
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
    if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0) return {};
    return "the permission to use AMX tiles (arch_prctl: " + std::generic_category().message(errno) +
           "; Linux gives it from version 5.16 on, unless a sandbox filters the call or a signal stack of this process is too "
           "small)";
#else
    return "an operating system that is known to hand out AMX tiles (Linux)";
#endif
}

Machine detect() {
    Machine machine;
    machine.ask_for_tiles = ask_linux_for_tiles;
#if defined(__x86_64__)
    machine.is_x86_64 = true;
    const auto set = [&](Feature feature, bool has) { machine.features[static_cast<size_t>(feature)] = has; };
    __builtin_cpu_init();
    // __builtin_cpu_supports also asks (xgetbv) whether the operating system saves the registers.
#define KRAIT_CPU_FEATURE(name) set(Feature::name, __builtin_cpu_supports(#name) != 0)
    KRAIT_CPU_FEATURE(sse2);
    KRAIT_CPU_FEATURE(avx);
    KRAIT_CPU_FEATURE(avx2);
    KRAIT_CPU_FEATURE(fma);
    KRAIT_CPU_FEATURE(avx512f);
    KRAIT_CPU_FEATURE(avx512bw);
    KRAIT_CPU_FEATURE(avx512dq);
    KRAIT_CPU_FEATURE(avx512vl);
    KRAIT_CPU_FEATURE(avx512vnni);
    KRAIT_CPU_FEATURE(avx512bf16);
#undef KRAIT_CPU_FEATURE
    // Not known to the function above in every compiler.
    unsigned a = 0, b = 0, c = 0, d = 0;
    set(Feature::f16c, __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0 && machine.has(Feature::avx));
    if (saves_tiles() && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
        set(Feature::amx_bf16, (d >> 22 & 1) != 0);
        set(Feature::amx_tile, (d >> 24 & 1) != 0);
        set(Feature::amx_int8, (d >> 25 & 1) != 0);
    }
#endif
    return machine;
}

std::string first_missing(const Machine& machine, std::initializer_list<Feature> wanted) {
    for (const Feature feature : wanted)
        if (!machine.has(feature)) return feature_name(feature);
    return {};
}

}  // namespace

const char* feature_name(Feature feature) { return kNames[static_cast<size_t>(feature)]; }

const Machine& this_machine() {
    static const Machine machine = detect();
    return machine;
}

std::string missing_for(Level level, const Machine& machine) {
    using enum Feature;
    if (level == Level::portable) return {};
    if (!machine.is_x86_64) return "an x86-64 processor";
    std::string missing = first_missing(machine, {avx2, fma, f16c});
    if (level == Level::avx2 || !missing.empty()) return missing;
    missing = first_missing(machine, {avx512f, avx512bw, avx512dq, avx512vl, avx512vnni});
    if (level == Level::avx512 || !missing.empty()) return missing;
    missing = first_missing(machine, {avx512bf16});
    if (level == Level::amx_emulated || !missing.empty()) return missing;
    missing = first_missing(machine, {amx_tile, amx_int8, amx_bf16});
    return missing.empty() ? machine.ask_for_tiles() : missing;
}

}  // namespace krait::cpu
