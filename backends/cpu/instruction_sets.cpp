// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/instruction_sets.hpp"

#include <cerrno>
#include <initializer_list>
#include <system_error>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace krait::cpu {

namespace {

constexpr const char* kNames[] = {"sse2",     "avx",      "avx2",     "fma",        "f16c",       "avxvnni",  "avx512f",
                                  "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "avx512bf16", "amx-tile", "amx-int8",
                                  "amx-bf16", "asimd",    "atomics",  "asimddp",    "i8mm"};
static_assert(std::size(kNames) == kFeatures);

#if defined(__x86_64__)
struct Registers {
    unsigned a = 0, b = 0, c = 0, d = 0;
};
// All zeros where the processor does not know the leaf.
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
    Registers r;
    if (__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
    return r;
}

// The registers that the operating system saves (XCR0): bits of the state components.
unsigned saved_state() {
    if ((cpuid(1).c & bit_OSXSAVE) == 0) return 0;
    unsigned low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// Intel's manual, volume 2, CPUID; volume 1, 13.1 for the state.
void read_features(Machine& machine) {
    constexpr unsigned kSse = 0, kAvx = 1u << 1 | 1u << 2, kAvx512 = kAvx | 1u << 5 | 1u << 6 | 1u << 7,
                       kTiles = 1u << 17 | 1u << 18;
    const Registers one = cpuid(1), seven = cpuid(7), seven_one = seven.a >= 1 ? cpuid(7, 1) : Registers{};
    const unsigned saved = saved_state();
    const auto set = [&](Feature feature, unsigned reg, int bit, unsigned state) {
        if ((reg >> bit & 1) != 0)
            ((saved & state) == state ? machine.features : machine.unsaved)[static_cast<size_t>(feature)] = true;
    };
    using enum Feature;
    set(sse2, one.d, 26, kSse);
    set(fma, one.c, 12, kAvx);
    set(avx, one.c, 28, kAvx);
    set(f16c, one.c, 29, kAvx);
    set(avx2, seven.b, 5, kAvx);
    set(avxvnni, seven_one.a, 4, kAvx);
    set(avx512f, seven.b, 16, kAvx512);
    set(avx512dq, seven.b, 17, kAvx512);
    set(avx512bw, seven.b, 30, kAvx512);
    set(avx512vl, seven.b, 31, kAvx512);
    set(avx512vnni, seven.c, 11, kAvx512);
    set(avx512bf16, seven_one.a, 5, kAvx512);
    set(amx_bf16, seven.d, 22, kTiles);
    set(amx_tile, seven.d, 24, kTiles);
    set(amx_int8, seven.d, 25, kTiles);
    machine.is_virtual = (one.c >> 31 & 1) != 0;
}
#elif defined(__aarch64__) && defined(__linux__)
// Linux, Documentation/arm64/elf_hwcaps.rst: what the processor has and the system lets a process use.
void read_features(Machine& machine) {
    const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    const auto set = [&](Feature feature, unsigned long bit) { machine.features[static_cast<size_t>(feature)] = bit != 0; };
    using enum Feature;
    set(asimd, first & HWCAP_ASIMD);
    set(atomics, first & HWCAP_ATOMICS);
    set(asimddp, first & HWCAP_ASIMDDP);
    set(i8mm, second & HWCAP2_I8MM);
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
    read_features(machine);
#elif defined(__aarch64__)
    machine.is_aarch64 = true;
#if defined(__linux__)
    read_features(machine);
#endif
#endif
    return machine;
}

// "avx512f, avx512bw (of which ...)"; "" where nothing of it is missing.
std::string list_missing(const Machine& machine, std::initializer_list<Feature> wanted) {
    std::string all, unsaved;
    bool hidden = false;
    for (const Feature feature : wanted) {
        if (machine.has(feature)) continue;
        const auto add = [&](std::string& list) { list += (list.empty() ? "" : ", ") + std::string(feature_name(feature)); };
        add(all);
        if (machine.unsaved[static_cast<size_t>(feature)]) add(unsaved);
        else hidden = machine.is_virtual;
    }
    if (!unsaved.empty()) all += " (the processor has " + unsaved + ", but the operating system does not save the registers)";
    if (hidden) all += " (this is a virtual machine: its hypervisor may hide what the processor has)";
    return all;
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
    const bool is_arm = level == Level::neon || level == Level::i8mm;
    if (is_arm && !machine.is_aarch64) return "a 64-bit ARM processor";
    if (!is_arm && !machine.is_x86_64) return "an x86-64 processor";
    switch (level) {
        case Level::neon: return list_missing(machine, {asimd, atomics, asimddp});
        case Level::i8mm: return list_missing(machine, {asimd, atomics, asimddp, i8mm});
        case Level::avx2: return list_missing(machine, {avx2, fma, f16c});
        case Level::avxvnni: return list_missing(machine, {avx2, fma, f16c, avxvnni});
        case Level::avx512bw: return list_missing(machine, {avx2, fma, f16c, avx512f, avx512bw, avx512dq, avx512vl});
        case Level::avx512: return list_missing(machine, {avx2, fma, f16c, avx512f, avx512bw, avx512dq, avx512vl, avx512vnni});
        case Level::amx: {
            const std::string missing = list_missing(machine, {avx2, fma, f16c, avx512f, avx512bw, avx512dq, avx512vl,
                                                               avx512vnni, avx512bf16, amx_tile, amx_int8, amx_bf16});
            return missing.empty() ? machine.ask_for_tiles() : missing;
        }
        default: return {};
    }
}

}  // namespace krait::cpu
