// SPDX-License-Identifier: Apache-2.0
//
// The placement of layers, embedding and head when the user names devices and nothing else: by measured cost. A device that
// cannot be measured gets no layers; PlacementPolicy::why says so.
#pragma once

#include <memory>
#include <span>

#include "graph/passes/assign_devices.hpp"
#include "models/loading/weights.hpp"
#include "models/placement/placement_options.hpp"

namespace krait {

class Architecture;

// The memory budget of each device, in bytes, for weights, states and values. Devices that use the same memory (those of the
// host, and a device that is named twice) get equal parts of it.
std::vector<double> memory_budgets(std::span<const std::shared_ptr<const Device>> devices, std::span<const std::string> labels,
                                   const PlacementOptions& options);

struct MeasuredPlacement {
    graph::PlacementPolicy policy;
    std::vector<size_t> min_chunk_rows;  // by device, see Placement::min_chunk_rows
};

Result<MeasuredPlacement> place_by_cost(const Architecture& architecture, const WeightDescs& weights,
                                        std::span<const std::shared_ptr<const Device>> devices,
                                        std::span<const std::string> labels, const PlacementOptions& options);

}  // namespace krait
