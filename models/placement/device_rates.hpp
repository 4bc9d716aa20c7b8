// SPDX-License-Identifier: Apache-2.0
//
// Measured rates of a device: products of Q8_0 weights with one row and with many, copies to it and from it. A short
// probe (some tenths of a second), kept in $XDG_CACHE_HOME/krait/rates.tsv (~/.cache where not set), one line for each device
// with its options, plugin version and features; where that cannot be written, it is measured again.
#pragma once

#include "core/runtime/device.hpp"
#include "models/placement/cost_model.hpp"

namespace krait {

Result<DeviceRates> measure_rates(const std::shared_ptr<const Device>& device);

// From the file, or measured and written there; a line of it that cannot be read counts as none.
Result<DeviceRates> rates_of(const std::shared_ptr<const Device>& device);

}  // namespace krait
