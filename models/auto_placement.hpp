// SPDX-License-Identifier: Apache-2.0
//
// Where layers, embedding and head go when the user names devices and nothing else. A device that cannot be measured gets none of
// them; Wanted::why says so.
#pragma once

#include "models/placement.hpp"

namespace krait {

// Bytes for weights, states and values on each device. Devices that live in the same memory have equal parts of it: those of the host, and
// one that is named twice.
std::vector<double> rooms_of(std::span<const std::shared_ptr<const Device>> devices, std::span<const std::string> labels,
                             const PlacementOptions& options);

struct MeasuredPlacement {
    graph::Wanted wanted;
    std::vector<size_t> least_pieces;  // by device, see Placement::least_piece
};

Result<MeasuredPlacement> place_by_cost(const Architecture& architecture, const WeightDescs& weights,
                                        std::span<const std::shared_ptr<const Device>> devices,
                                        std::span<const std::string> labels, const PlacementOptions& options);

}  // namespace krait
