// SPDX-License-Identifier: Apache-2.0
//
// A profile as `krait bench` and `krait run` write it into JSON (docs/benchmarks.md): phases with their sums, operators and all
// nodes. Seconds and bytes are of all runs together.
#pragma once

#include <krait/profile.hpp>
#include <nlohmann/json_fwd.hpp>

namespace krait::bench {

nlohmann::ordered_json profile_json(const api::Profile& profile);

}  // namespace krait::bench
