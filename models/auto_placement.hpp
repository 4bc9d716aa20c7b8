// SPDX-License-Identifier: Apache-2.0
//
// Where layers, embedding and head go when the user names devices and nothing else.
#pragma once

#include "models/placement.hpp"

namespace krait {

Result<graph::Wanted> place_by_cost(const Architecture& architecture, const WeightDescs& weights,
                                    std::span<const std::shared_ptr<const Device>> devices, std::span<const std::string> labels,
                                    const PlacementOptions& options);

}  // namespace krait
