// SPDX-License-Identifier: Apache-2.0
//
// Reads the .npy files of this folder: version 1.0, little-endian, C order, float32, float64 or int32.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/harness/effort.hpp"
#include "tests/harness/emulated_levels.hpp"
#include "tests/harness/test_options.hpp"

namespace krait::test {

// The numbers as T, whatever of the three types the file has; its shape goes to *shape where given.
template <class T>
std::vector<T> read_npy(const std::string& path, std::vector<int64_t>* shape = nullptr) {
    std::ifstream stream(path, std::ios::binary);
    const std::string file(std::istreambuf_iterator<char>(stream), {});
    EXPECT_GT(file.size(), 10u) << path << " cannot be read";
    if (file.size() <= 10) return {};
    uint16_t header_size = 0;
    std::memcpy(&header_size, file.data() + 8, 2);
    const std::string header = file.substr(10, header_size);
    const std::string data = file.substr(10 + header_size);
    if (shape) {
        std::string list = header.substr(header.find("'shape': (") + 10);
        list.resize(list.find(')'));
        for (size_t at = 0; at < list.size();) {
            if (list[at] < '0' || list[at] > '9') {
                ++at;
                continue;
            }
            size_t used = 0;
            shape->push_back(std::stoll(list.substr(at), &used));
            at += used;
        }
    }
    const auto convert = [&]<class From>(From) {
        std::vector<T> values(data.size() / sizeof(From));
        for (size_t i = 0; i < values.size(); ++i) {
            From value;
            std::memcpy(&value, data.data() + i * sizeof(From), sizeof value);
            values[i] = static_cast<T>(value);
        }
        return values;
    };
    if (header.find("'<f4'") != std::string::npos) return convert(float{});
    if (header.find("'<f8'") != std::string::npos) return convert(double{});
    if (header.find("'<i4'") != std::string::npos) return convert(int32_t{});
    ADD_FAILURE() << path << ": element type not known: " << header;
    return {};
}

// Sum of squared differences over sum of squares.
template <class A, class B>
double nmse(const A& got, const B& expected) {
    EXPECT_EQ(got.size(), expected.size());
    double error = 0, power = 0;
    for (size_t i = 0; i < expected.size() && i < got.size(); ++i) {
        const double e = static_cast<double>(expected[i]), d = static_cast<double>(got[i]) - e;
        error += d * d;
        power += e * e;
    }
    return error == 0 ? 0 : error / power;
}

// The first device of each family of GPUs, the emulated one too, with the options that tests open it with, or with one set of
// them where it is emulated (tests/harness/effort.hpp); none where there is no driver.
inline std::vector<std::string> gpu_devices() {
    std::vector<std::string> devices;
    for (const std::string family : {"vulkan", "cuda", "cuda-host"}) {
        const auto plugin = PluginRegistry::instance().find(family);
        if (!plugin || (*plugin)->api().device_count() == 0) continue;
        const auto specs = harness::with_test_options(family, family + "0");
        const auto device = Device::open(family + "0");
        const bool emulated = device && (*device)->info().kind == KRAIT_DEVICE_EMULATED;
        for (size_t i = 0; i < specs.size(); ++i)
            if (!emulated || harness::Effort::current().takes(0, i, specs.size())) devices.push_back(specs[i]);
    }
    return devices;
}

template <class T>
std::vector<T> copy_of(std::span<const T> values) {
    return {values.begin(), values.end()};
}

// Devices on which whole models are tested: the oracle, and every level of the CPU plugin, emulated where this machine lacks
// it. Builds with a sanitizer have two variants (backends/cpu/CMakeLists.txt). Then the GPUs that there are.
inline const std::vector<std::string>& model_devices() {
    static const std::vector<std::string> devices = [] {
#ifdef KRAIT_SANITIZED
        std::vector<std::string_view> levels{"portable", "avx512"};
#else
        std::vector<std::string_view> levels{"portable", "avx2", "avxvnni", "avx512bw", "avx512", "amx"};
#endif
        std::vector<std::string> made{"reference"};
        for (const std::string_view level : levels) made.push_back(harness::cpu_level(level));
        for (const std::string& spec : gpu_devices()) made.push_back(spec);
        return made;
    }();
    return devices;
}

// "cpu:avx2" as part of a test's name.
inline std::string as_identifier(std::string text) {
    for (char& c : text)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return text;
}

}  // namespace krait::test
