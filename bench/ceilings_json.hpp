// SPDX-License-Identifier: Apache-2.0
//
// Ceilings as `krait bench` and `krait test-ops --perf` write them into JSON (docs/benchmarks.md).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "bench/ceilings/ceilings.hpp"

namespace krait::bench {

nlohmann::ordered_json ceilings_json(const Ceilings& ceilings);

}  // namespace krait::bench
