// SPDX-License-Identifier: Apache-2.0
//
// The user's wishes about placement, as values and as text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

// The user's wishes; where there are none the cost model decides (models/placement/auto_placement.hpp).
struct PlacementOptions {
    std::vector<int64_t> layers;  // so many layers for each device, in their order; the last number may be left out
    std::vector<double> split;    // proportions of the number of layers, for each device
    struct Rule {
        std::string pattern, device;
    };
    std::vector<Rule> rules;  // nodes whose name, or whose weight's name, has the pattern; the first that matches counts
    struct Limit {
        std::string device;
        uint64_t bytes = 0;
    };
    std::vector<Limit> max_memory;  // most that a device holds, counted as models/placement/memory_need.hpp says
};

// The same as text: "20,4", "3,1", patterns like "blk\.[0-9]+\.ssm_out=cpu", limits like "cuda0=8G". An error says how it is
// written; an empty text is one.
struct PlacementTexts {
    std::optional<std::string> layers, split;
    std::vector<std::string> place, max_memory;
    Result<PlacementOptions> parse() const;
};

}  // namespace krait
