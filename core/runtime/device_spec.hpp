// SPDX-License-Identifier: Apache-2.0
//
// How people name a device: family[index][:word]..., where a word is a variant of the family's plugins or key=value for
// the plugin. "cpu", "cuda1", "cpu:avx2", "cpu:avx512:threads=2", "auto".
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

struct DeviceSpec {
    std::string family;
    uint32_t index = 0;
    std::string variant;  // empty = the plugin with the highest score
    std::string options;  // key=value words, separated by ':'
    bool is_auto() const { return family == "auto"; }
};

Result<DeviceSpec> parse_device_spec(std::string_view text);

// "cuda0,cpu:threads=1": the text of each device, without spaces around it. A word that begins with a digit is no device's
// name: it goes on with the option in front of it, so "cpu:affinity=0,2-3,cuda0" is two devices.
std::vector<std::string> split_device_list(std::string_view text);
Result<std::vector<DeviceSpec>> parse_device_list(std::string_view text);

}  // namespace krait
