// SPDX-License-Identifier: Apache-2.0

#include "backends/cpu/cpu_info.hpp"

#include <cstdio>
#include <cstring>

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

}  // namespace krait::cpu
