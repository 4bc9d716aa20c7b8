// SPDX-License-Identifier: Apache-2.0
//
// Options with which tests open the devices of a family, each in turn: what a device can do in more than one way, and checks
// that only tests want to pay for.
#pragma once

#include <map>

#include "core/runtime/device.hpp"

namespace krait::harness {

struct TestOptions {
    std::string_view family;
    std::string_view options;
    std::string_view where_it_can;  // more options, left out where what they need is not installed
    bool data_only = false;         // changes how data travels, and no kernel: for the conformance suite alone
};

inline constexpr TestOptions kTestOptions[] = {
    {"vulkan", "cache=off", "validation=on"},
    {"vulkan", "subgroups=off:cache=off", "validation=on"},
    {"vulkan", "gpu_kernels=on:cache=off", "validation=on"},
    {"vulkan", "gpu_kernels=on:subgroups=off:cache=off", "validation=on"},
    {"vulkan", "gpu_kernels=on:integer_dot=on:cache=off", "validation=on"},
    {"vulkan", "gpu_kernels=on:cooperative_matrix=on:cache=off", "validation=on"},
    {"vulkan", "gpu_kernels=on:integer_dot=on:cooperative_matrix=on:cache=off", "validation=on"},
    {"vulkan", "subgroup_size=16:cache=off", "validation=on"},
    {"vulkan", "subgroup_size=64:cache=off", "validation=on"},
    {"vulkan", "staging=on:cache=off", "validation=on", true},
};

// spec with each of its family's options; without those that this device does not support. A family without options: spec
// itself. To know, it opens the device with each, once a process.
inline std::vector<std::string> with_test_options(std::string_view family, const std::string& spec,
                                                  bool with_data_only = false) {
    static std::map<std::pair<std::string, bool>, std::vector<std::string>> known;
    if (const auto found = known.find({spec, with_data_only}); found != known.end()) return found->second;
    std::vector<std::string> specs;
    bool has_options = false;
    for (const TestOptions& test : kTestOptions) {
        if (test.family != family || (test.data_only && !with_data_only)) continue;
        const std::string required = fmt::format("{}:{}", spec, test.options);
        const std::string all = fmt::format("{}:{}", required, test.where_it_can);
        has_options = true;
        const auto opened = Device::open(all);
        if (opened || opened.error().code == ErrorCode::unsupported) {
            if (opened) specs.push_back(all);
            continue;
        }
        const auto again = Device::open(required);
        if (again || again.error().code != ErrorCode::unsupported)
            specs.push_back(required);  // an error is for the tests to show
    }
    return known[{spec, with_data_only}] = has_options ? specs : std::vector<std::string>{spec};
}

}  // namespace krait::harness
