// SPDX-License-Identifier: Apache-2.0
//
// The devices between which the golden models are divided: one of each kind, as far as this machine has them.
// placement_test.cpp has a test for each, which says why one takes no part; it fails where KRAIT_REQUIRE_DEVICES
// ("vulkan0,cuda-host0") names it, and for cpu and reference, which are everywhere.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/runtime/device.hpp"

namespace krait::test {

inline const std::vector<std::string> kGoldenDevices{"cpu", "reference", "vulkan0", "cuda-host0"};

inline const std::vector<std::string>& devices_there() {
    static const std::vector<std::string> there = [] {
        std::vector<std::string> found;
        for (const std::string& name : kGoldenDevices)
            if (Device::open(name)) found.push_back(name);
        return found;
    }();
    return there;
}

}  // namespace krait::test
