// SPDX-License-Identifier: Apache-2.0
//
// Options with which tests open the devices of a family, each in turn: what a device can do in more than one way, and checks that
// only tests want to pay for.
#pragma once

#include "core/runtime/device.hpp"

namespace krait::harness {

struct TestOptions {
    std::string_view family;
    std::string_view options;
    std::string_view where_it_can;  // more options, left out where the device cannot be opened with them
};

inline constexpr TestOptions kTestOptions[] = {
    {"vulkan", "cache=off", "validation=on"},
    {"vulkan", "subgroups=off:cache=off", "validation=on"},
};

inline std::vector<std::string> with_test_options(std::string_view family, const std::string& spec) {
    std::vector<std::string> specs;
    for (const TestOptions& test : kTestOptions) {
        if (test.family != family) continue;
        const std::string least = fmt::format("{}:{}", spec, test.options);
        const std::string all = fmt::format("{}:{}", least, test.where_it_can);
        const auto opened = Device::open(all);
        specs.push_back(!opened && opened.error().code == ErrorCode::unavailable ? least : all);
    }
    if (specs.empty()) specs.push_back(spec);
    return specs;
}

}  // namespace krait::harness
