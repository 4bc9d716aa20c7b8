// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/cpu_info.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>

#include "backends/cpu/affinity.hpp"
#include "backends/cpu/instruction_sets.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace krait::cpu {

namespace {

// The first line of a file that starts with `key`, without it; "" where there is none.
std::string line_of(const char* path, const char* key) {
    std::string value;
    if (std::FILE* file = std::fopen(path, "re")) {
        char line[512];
        while (value.empty() && std::fgets(line, sizeof line, file))
            if (std::strncmp(line, key, std::strlen(key)) == 0) value = line + std::strlen(key);
        std::fclose(file);
    }
    while (!value.empty() && (value.back() == '\n' || value.back() == ' ')) value.pop_back();
    return value;
}

// Control groups, version 2: "max 100000" or "150000 100000" (microseconds in each period); 0 = no quota.
int quota_of_group() {
    const std::string text = line_of("/sys/fs/cgroup/cpu.max", "");
    long long quota = 0, period = 0;
    if (std::sscanf(text.c_str(), "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0) return 0;
    return static_cast<int>(std::clamp<long long>((quota + period - 1) / period, 1, 1 << 20));
}

}  // namespace

std::string processor_name() {
#if defined(__x86_64__)
    unsigned words[12] = {};
    if (static_cast<unsigned>(__get_cpuid_max(0x80000000u, nullptr)) >= 0x80000004u) {
        for (unsigned i = 0; i < 3; ++i)
            __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
        char text[sizeof words + 1] = {};
        std::memcpy(text, words, sizeof words);
        std::string name = text;
        name.erase(0, name.find_first_not_of(' '));
        while (!name.empty() && name.back() == ' ') name.pop_back();
        if (!name.empty()) return name;
    }
#endif
    const std::string model = line_of("/proc/cpuinfo", "model name\t: ");
    return model.empty() ? "CPU" : model;
}

std::string processor_features() {
    std::string text;
    for (size_t i = 0; i < kFeatures; ++i)
        if (this_machine().features[i]) text += (text.empty() ? "" : " ") + std::string(feature_name(static_cast<Feature>(i)));
    return text;
}

int usable_processors() {
    auto count = static_cast<int>(allowed_processors().size());
    if (count < 1) count = static_cast<int>(std::thread::hardware_concurrency());
    if (const int quota = quota_of_group(); quota > 0) count = std::min(count, quota);
    return std::max(count, 1);
}

}  // namespace krait::cpu
