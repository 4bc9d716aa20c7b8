// SPDX-License-Identifier: Apache-2.0
//
// The words that say how an open device computes. krait_device_info holds those of its defaults; an option with which it was
// opened may add one or take it away. A wrong word cannot hide anything: what it stands for is compared at float32's tolerance.
#pragma once

#include <string>

#include "core/runtime/device.hpp"

namespace krait::harness {

struct OptionFeature {
    std::string_view family;
    std::string_view option;  // on or off
    std::string_view feature;
};

inline constexpr OptionFeature kOptionFeatures[] = {
    {"vulkan", "integer_dot", "activations=int8x32"},
};

inline std::string features_of(const Device& device) {
    std::string words = fmt::format(" {} ", device.info().features);
    const std::string options = fmt::format(":{}:", device.options());
    for (const OptionFeature& of : kOptionFeatures) {
        if (device.api().family != of.family) continue;
        const auto chosen = [&](std::string_view value) {
            return options.find(fmt::format(":{}={}:", of.option, value)) != std::string::npos;
        };
        const std::string word = fmt::format(" {} ", of.feature);
        const size_t at = words.find(word);
        if ((chosen("off") || chosen("0")) && at != std::string::npos) words.replace(at, word.size(), " ");
        if ((chosen("on") || chosen("1")) && at == std::string::npos) words += word.substr(1);
    }
    return words;
}

}  // namespace krait::harness
