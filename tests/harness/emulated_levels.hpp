// SPDX-License-Identifier: Apache-2.0
//
// Variants of the CPU backend that run the kernels of an instruction-set level on any x86-64 ("avx512_emulated" those of
// "avx512"; docs/backends/cpu.md). Where the machine has the level, tests take the level, and one test holds the emulated one
// to its bits (tests/conformance/emulated_levels_test.cpp). Where it has not, the emulated one takes its place.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/runtime/plugin_registry.hpp"

namespace krait::harness {

inline constexpr std::string_view kEmulatedSuffix = "_emulated";

inline std::string emulated(std::string_view level) { return std::string(level).append(kEmulatedSuffix); }

// Whether a variant of the family "cpu" is there, and runs on this machine.
inline bool has_cpu_variant(std::string_view variant) {
    const auto reports = PluginRegistry::instance().reports();
    return std::any_of(reports.begin(), reports.end(), [&](const PluginReport& report) {
        return report.family == "cpu" && report.variant == variant && report.score > 0;
    });
}

// A variant that need not be tested by itself, since the level that it emulates is here.
inline bool is_stand_in(std::string_view variant) {
    return variant.ends_with(kEmulatedSuffix) && has_cpu_variant(variant.substr(0, variant.size() - kEmulatedSuffix.size()));
}

// "cpu:avx512", or "cpu:avx512_emulated" where that is all there is of it.
inline std::string cpu_level(std::string_view level) {
    const bool stands_in = !has_cpu_variant(level) && has_cpu_variant(emulated(level));
    return "cpu:" + (stands_in ? emulated(level) : std::string(level));
}

inline std::vector<std::string> levels_beside_their_emulation() {
    std::vector<std::string> levels;
    for (const PluginReport& report : PluginRegistry::instance().reports())
        if (report.family == "cpu" && report.score > 0 && has_cpu_variant(emulated(report.variant)))
            levels.push_back(report.variant);
    return levels;
}

}  // namespace krait::harness
